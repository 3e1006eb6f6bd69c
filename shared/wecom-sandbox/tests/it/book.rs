//! The contact book.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::TestCorp;

#[actix_web::test]
async fn members_and_departments_are_read() {
    let corp = TestCorp::start().await;
    let member = &corp.sandbox.company().staff[0];
    let shouted = member.user_id.to_uppercase();
    let answer = corp.get(&format!("user/get?userid={shouted}")).await;
    assert_eq!((&answer["userid"], &answer["name"]), (&json!(member.user_id), &json!(member.name)));
    assert_eq!(answer["department"], json!([member.department]));
    assert!(answer.get("mobile").is_none());
    assert_eq!(corp.get("user/get?userid=nobody").await["errcode"], 60111);
    assert_eq!(corp.get("user/get").await["errcode"], 41009);

    let departments = corp.get("department/list").await;
    let ids: Vec<u64> =
        departments["department"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), corp.sandbox.company().departments.len());
    assert_eq!(corp.get("department/list?id=2").await["department"].as_array().unwrap().len(), 5);
    assert_eq!(corp.get("department/simplelist?id=9").await["department_id"][0]["parentid"], 3);
    assert_eq!(corp.get("department/get?id=1").await["department"]["parentid"], 0);
    assert_eq!(corp.get("department/get?id=77").await["errcode"], 60003);
    let mut members = 0;
    for id in ids {
        let path = format!("user/simplelist?department_id={id}");
        members += corp.get(&path).await["userlist"].as_array().unwrap().len();
    }
    assert_eq!(members, 50);
    assert_eq!(corp.get("user/list?department_id=5").await["userlist"][0]["status"], 1);
}

#[actix_web::test]
async fn ids_are_paged_to_the_end() {
    let corp = TestCorp::start().await;
    let mut cursor = Value::from("");
    let mut pages = Vec::new();
    while !cursor.is_null() {
        let page = corp.done("user/list_id", json!({"cursor": cursor, "limit": 20})).await;
        pages.push(page["dept_user"].as_array().unwrap().len());
        cursor = page["next_cursor"].clone();
    }
    assert_eq!(pages, [20, 20, 10]);
    assert_eq!(corp.post("user/list_id", json!({"cursor": "?"})).await["errcode"], 50100);
    let agent = corp.get("agent/get?agentid=1000002").await;
    assert_eq!(agent["allow_userinfos"]["user"].as_array().unwrap().len(), 50);
    assert_eq!(corp.get("agent/get?agentid=1").await["errcode"], 40056);
}

#[actix_web::test]
async fn members_come_and_go_by_event() {
    let corp = TestCorp::start().await;
    let leaver = corp.member(3);
    let way = json!({"type": 1, "scene": 2, "user": [corp.member(2)]});
    let way = corp.done("externalcontact/add_contact_way", way).await["config_id"].clone();
    let (renamed, customer) = corp.scanned(json!({"config_id": way})).await;
    corp.event(json!([
        {"app": "demo", "type": "create_user", "fields": {"UserID": "new01", "Name": "新人", "Department": "5,6"}},
        {"app": "demo", "type": "update_user", "fields": {"UserID": renamed, "NewUserID": "other01"}},
        {"app": "demo", "type": "delete_user", "fields": {"UserID": leaver}},
    ]))
    .await;
    let corp = corp.restarted().await;
    assert_eq!(corp.get("user/get?userid=new01").await["department"], json!([5, 6]));
    assert_eq!(corp.get(&format!("user/get?userid={leaver}")).await["errcode"], 60111);
    assert_eq!(corp.get(&format!("user/get?userid={renamed}")).await["errcode"], 60111);
    assert_eq!(corp.customer(&customer).await["follow_user"][0]["userid"], "other01");
    assert_eq!(corp.get("externalcontact/list?userid=Other01").await["external_userid"], json!([customer]));
    assert_eq!(corp.scanned(json!({"config_id": way})).await.0, "other01");
    let followers = corp.get("externalcontact/get_follow_user_list").await;
    assert_eq!(followers["follow_user"].as_array().unwrap().len(), 50);
}

#[actix_web::test]
async fn ids_of_everybody_are_for_the_contact_sync() {
    let corp = TestCorp::start().await;
    corp.done("user/list_id", json!({})).await;
    let settings = json!({"strict_secrets": true});
    assert_eq!(corp.ask(Method::PUT, "/_control/settings", Some(settings)).await.0, 200);
    let corp = corp.restarted().await;
    assert_eq!(corp.post("user/list_id", json!({})).await["errcode"], 48002);
    assert_eq!(corp.get("user/simplelist?department_id=5").await["errcode"], 0);
}
