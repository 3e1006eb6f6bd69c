//! Apps that do not see everybody (可见范围).

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::TestCorp;
use crate::support::{Receiver, text_of};

const APP: &str = "/_control/apps/demo";

/// Sets what `demo` sees, and returns how it is shown.
async fn see(corp: &TestCorp, visible: Value) -> Value {
    let (status, app) = corp.ask(Method::PUT, APP, Some(json!({ "visible": visible }))).await;
    assert_eq!(status, 200, "{app}");
    app
}

/// Returns the userid of a member of this department of the script.
fn member_in(corp: &TestCorp, department: u32) -> String {
    let mut staff = corp.sandbox.company().staff.iter();
    staff.find(|staff| staff.department == department).unwrap().user_id.clone()
}

/// Lets a new customer scan the code of a member, and returns the customer's id and how the app was told.
async fn met(corp: &TestCorp, member: &str) -> (String, Value) {
    let way = json!({"type": 1, "scene": 2, "user": [member]});
    let way = corp.done("externalcontact/add_contact_way", way).await["config_id"].clone();
    let scan = json!({"app": "demo", "type": "scan", "fields": {"config_id": way}});
    let delivery = corp.event(scan).await["deliveries"][0].clone();
    assert_eq!(delivery["user_id"], member);
    (delivery["external_user_id"].as_str().unwrap().to_owned(), delivery)
}

/// Counts what was not sent because the app does not see the member.
async fn unsent(corp: &TestCorp) -> usize {
    let callbacks = corp.ask(Method::GET, "/_control/callbacks", None).await.1;
    callbacks.as_array().unwrap().iter().filter(|callback| callback["status"] == "out_of_range").count()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[actix_web::test]
async fn a_range_is_set_shown_and_kept() {
    let corp = TestCorp::start().await;
    let (lone, grouped) = (member_in(&corp, 9), member_in(&corp, 5));
    let visible = json!({"user_ids": [lone.to_uppercase()], "department_ids": [5]});
    let app = see(&corp, visible).await;
    let kept = json!({"user_ids": [lone], "department_ids": [5]});
    assert_eq!((&app["visible"], &app["callback_url"]), (&kept, &Value::Null));

    let corp = corp.restarted().await;
    let apps = corp.ask(Method::GET, "/_control/apps", None).await.1;
    assert_eq!(apps[0]["visible"], kept);
    let staff = texts(&apps[0]["staff"]);
    assert!(staff.contains(&lone.as_str()) && staff.contains(&grouped.as_str()), "{staff:?}");
    assert!(staff.len() < 50 && !staff.contains(&member_in(&corp, 6).as_str()));
    assert_eq!((&apps[1]["visible"], apps[1]["staff"].as_array().unwrap().len()), (&Value::Null, 50));

    // What is below a department counts with it, and new members of it at once.
    let sales = see(&corp, json!({"department_ids": [2]})).await;
    assert!(texts(&sales["staff"]).contains(&member_in(&corp, 8).as_str()));
    corp.event(
        json!({"app": "demo", "type": "create_user", "fields": {"UserID": "new01", "Department": "6"}}),
    )
    .await;
    assert_eq!(corp.get("user/get?userid=new01").await["errcode"], 0);
    assert_eq!(see(&corp, Value::Null).await["staff"].as_array().unwrap().len(), 50);
    assert_eq!(corp.get(&format!("user/get?userid={lone}")).await["errcode"], 0);
}

#[actix_web::test]
async fn a_range_of_nobody_that_is_there_is_refused() {
    let corp = TestCorp::start().await;
    for (body, field) in [
        (json!({"visible": {"user_ids": ["nobody"]}}), "visible.user_ids"),
        (json!({"visible": {"department_ids": [77]}}), "visible.department_ids"),
        (json!({"visible": {"department_ids": ["5"]}}), "visible.department_ids"),
        (json!({"visible": {"tags": []}}), "visible.tags"),
        (json!({"visible": [5]}), "visible"),
        (json!({}), "callback_url"),
        (json!({"visible": null, "callback_url": "ftp://a/"}), "callback_url"),
    ] {
        let (status, error) = corp.ask(Method::PUT, APP, Some(body)).await;
        assert_eq!((status, &error["field"]), (400, &json!(field)));
    }
    let unknown = corp.ask(Method::PUT, "/_control/apps/x", Some(json!({"visible": null}))).await;
    assert_eq!(unknown.0, 404);
}

#[actix_web::test]
async fn the_contact_book_ends_where_the_range_ends() {
    let corp = TestCorp::start().await;
    let (inside, outside, lone) = (member_in(&corp, 5), member_in(&corp, 6), member_in(&corp, 9));
    see(&corp, json!({"user_ids": [lone], "department_ids": [5]})).await;
    for (user_id, errcode) in [(inside.as_str(), 0), (&lone, 0), (&outside, 60011), ("nobody", 60111)] {
        assert_eq!(corp.get(&format!("user/get?userid={user_id}")).await["errcode"], errcode, "{user_id}");
    }
    for (department, is_empty) in [(5, false), (6, true), (9, false)] {
        let list = corp.get(&format!("user/list?department_id={department}")).await;
        let simple = corp.get(&format!("user/simplelist?department_id={department}")).await;
        assert_eq!(list["userlist"].as_array().unwrap().is_empty(), is_empty);
        assert_eq!(list["userlist"].as_array().unwrap().len(), simple["userlist"].as_array().unwrap().len());
    }
    let list = corp.get("user/list?department_id=9").await;
    assert_eq!(
        (list["userlist"].as_array().unwrap().len(), &list["userlist"][0]["userid"]),
        (1, &json!(lone))
    );
    let ids = corp.done("user/list_id", json!({})).await;
    assert!(ids["dept_user"].as_array().unwrap().iter().all(|row| row["userid"] != outside));

    let departments = corp.get("department/list").await["department"].clone();
    assert_eq!((departments.as_array().unwrap().len(), &departments[0]["id"]), (1, &json!(5)));
    for (id, errcode) in [(5, 0), (6, 60011), (2, 60011), (77, 60003)] {
        for name in ["department/list", "department/simplelist", "department/get"] {
            assert_eq!(corp.get(&format!("{name}?id={id}")).await["errcode"], errcode, "{name} {id}");
        }
    }
    let agent = corp.get("agent/get?agentid=1000002").await;
    assert_eq!(agent["allow_userinfos"]["user"], json!([{"userid": lone}]));
    assert_eq!(agent["allow_partys"]["partyid"], json!([5]));
}

#[actix_web::test]
async fn customers_are_seen_through_visible_members_only() {
    let corp = TestCorp::start().await;
    let (inside, outside) = (member_in(&corp, 5), member_in(&corp, 6));
    let (ours, theirs) = (met(&corp, &inside).await.0, met(&corp, &outside).await.0);
    let both = json!({"app": "demo", "type": "add_external_contact", "fields": {"UserID": outside, "ExternalUserID": ours}});
    corp.event(both).await;
    assert_eq!(corp.customer(&ours).await["follow_user"].as_array().unwrap().len(), 2);
    see(&corp, json!({"department_ids": [5]})).await;

    let followers = corp.customer(&ours).await["follow_user"].clone();
    assert_eq!((followers.as_array().unwrap().len(), &followers[0]["userid"]), (1, &json!(inside)));
    assert_eq!(corp.customer(&theirs).await["errcode"], 84061);
    let list = |user_id: &str| format!("externalcontact/list?userid={user_id}");
    assert_eq!(corp.get(&list(&inside)).await["external_userid"], json!([ours]));
    assert_eq!(corp.get(&list(&outside)).await["errcode"], 60011);
    let staff = corp.get("externalcontact/get_follow_user_list").await["follow_user"].clone();
    assert!(texts(&staff).contains(&inside.as_str()) && !texts(&staff).contains(&outside.as_str()));

    let pair = json!({"userid": outside, "external_userid": theirs, "remark": "a"});
    let tag = json!({"userid": outside, "external_userid": theirs, "add_tag": ["et"]});
    let batch = json!({"userid_list": [inside, outside]});
    let way = json!({"type": 1, "scene": 2, "user": [outside]});
    let parties = json!({"type": 2, "scene": 2, "party": [6]});
    let from = json!({"handover_userid": outside, "takeover_userid": inside, "external_userid": [theirs]});
    let to = json!({"handover_userid": inside, "takeover_userid": outside, "external_userid": [ours]});
    for (name, body) in [
        ("remark", &pair),
        ("mark_tag", &tag),
        ("batch/get_by_user", &batch),
        ("add_contact_way", &way),
        ("add_contact_way", &parties),
        ("transfer_customer", &from),
        ("transfer_customer", &to),
        ("transfer_result", &to),
    ] {
        let answer = corp.post(&format!("externalcontact/{name}"), body.clone()).await;
        assert_eq!(answer["errcode"], 60011, "{name}: {answer}");
    }
    corp.done("externalcontact/batch/get_by_user", json!({"userid_list": [inside]})).await;
}

#[actix_web::test]
async fn messages_reach_visible_members_only() {
    let corp = TestCorp::start().await;
    let (inside, outside) = (member_in(&corp, 5), member_in(&corp, 6));
    let staff = see(&corp, json!({"department_ids": [5]})).await["staff"].as_array().unwrap().len();
    let text = |to: Value| {
        let mut body = json!({"agentid": 1_000_002, "msgtype": "text", "text": {"content": "a"}});
        body.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
        body
    };
    let to = json!({"touser": format!("{inside}|{outside}"), "toparty": "6"});
    let answer = corp.done("message/send", text(to)).await;
    assert_eq!(
        (&answer["invaliduser"], &answer["invalidparty"]),
        (&json!(outside.to_lowercase()), &json!("6"))
    );
    let answer = corp.post("message/send", text(json!({"touser": outside}))).await;
    assert_eq!(answer["errcode"], 81013);
    corp.done("message/send", text(json!({"touser": "@all"}))).await;
    let shown = corp.ask(Method::GET, "/_control/messages", None).await.1;
    assert_eq!(shown.as_array().unwrap().len(), 1 + staff);
}

#[actix_web::test]
async fn an_app_is_not_told_about_whom_it_does_not_see() {
    let corp = TestCorp::start().await;
    let (inside, outside) = (member_in(&corp, 5), member_in(&corp, 6));
    let way = json!({"type": 1, "scene": 2, "user": [outside], "state": "theirs"});
    corp.done("externalcontact/add_contact_way", way).await;
    let receiver = Receiver::start(&corp.sandbox);
    let body = json!({"callback_url": receiver.url, "visible": {"user_ids": [inside]}});
    let (status, app) = corp.ask(Method::PUT, APP, Some(body)).await;
    assert_eq!((status, &app["staff"]), (200, &json!([inside])));

    let scan = json!({"app": "demo", "type": "scan", "fields": {"state": "theirs"}});
    let unseen = corp.event(scan).await["deliveries"][0].clone();
    assert_eq!((&unseen["status"], &unseen["attempts"]), (&json!("out_of_range"), &json!(0)));
    let customer = unseen["external_user_id"].as_str().unwrap();
    let (_, seen) = met(&corp, &inside).await;
    assert_eq!(seen["status"], 200);
    // A transfer of the unseen member's customer by another app is told as little.
    see(&corp, Value::Null).await;
    corp.ask(Method::PUT, "/_control/settings", Some(json!({"transfer_delay_s": 5}))).await;
    let other = member_in(&corp, 7);
    let transfer =
        json!({"handover_userid": outside, "takeover_userid": other, "external_userid": [customer]});
    corp.done("externalcontact/transfer_customer", transfer).await;
    see(&corp, json!({"user_ids": [inside]})).await;
    corp.advance(5);
    while unsent(&corp).await < 3 {}
    // An order is an order, and what is about nobody goes to everybody.
    let order = json!([
        {"app": "demo", "type": "edit_external_contact", "fields": {"UserID": outside, "ExternalUserID": "wmA"}},
        {"app": "demo", "type": "msgaudit_notify"},
    ]);
    corp.event(order).await;
    let told = receiver.rest().await;
    let about: Vec<Option<&str>> = told.iter().map(|xml| text_of(xml, "UserID")).collect();
    assert_eq!(about, [Some(inside.as_str()), Some(outside.as_str()), None]);
}

#[actix_web::test]
async fn whoever_gets_another_userid_stays_visible() {
    let corp = TestCorp::start().await;
    let inside = member_in(&corp, 5);
    see(&corp, json!({"user_ids": [inside]})).await;
    let renamed =
        json!({"app": "demo", "type": "update_user", "fields": {"UserID": inside, "NewUserID": "other01"}});
    corp.event(renamed).await;
    let corp = corp.restarted().await;
    assert_eq!(corp.get("user/get?userid=other01").await["errcode"], 0);
    assert_eq!(corp.sandbox.app("demo").unwrap().staff, ["other01"]);
}
