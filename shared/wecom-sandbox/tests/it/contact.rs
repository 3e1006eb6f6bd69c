//! Customers and relations.

use std::collections::HashSet;

use scrm_kernel::Lifecycle;
use scrm_wecom_sandbox::ArrivalPlan;
use serde_json::{Value, json};

use crate::client::{BEGIN, TestCorp};
use crate::support::PATIENCE;

#[actix_web::test]
async fn a_customer_who_scanned_is_known_with_how_and_when() {
    let corp = TestCorp::start().await;
    let (member, customer) = corp.scanned(json!({"state": "douyin-live"})).await;
    let answer = corp.customer(&customer).await;
    let profile = corp.sandbox.company().customer_by_id(&customer).unwrap();
    assert_eq!(answer["external_contact"]["name"], profile.name);
    let follower = &answer["follow_user"][0];
    let shown = json!([follower["userid"], follower["createtime"], follower["add_way"], follower["state"]]);
    assert_eq!(shown, json!([member, BEGIN / 1000, 1, "douyin-live"]));
    assert_eq!(follower["oper_userid"], customer);
    let list = corp.get(&format!("externalcontact/list?userid={member}")).await;
    assert_eq!(list["external_userid"], json!([customer]));

    let corp = corp.restarted().await;
    assert_eq!(corp.customer(&customer).await, answer);
}

#[actix_web::test]
async fn strangers_are_refused_as_wecom_does() {
    let corp = TestCorp::start().await;
    let member = corp.member(0);
    assert_eq!(corp.customer("wmAAAAAAAAAAAAAAAAAAAAAAAA").await["errcode"], 84061);
    assert_eq!(corp.customer("x").await["errcode"], 40096);
    assert_eq!(corp.get("externalcontact/get").await["errcode"], 41035);
    assert_eq!(corp.get(&format!("externalcontact/list?userid={member}")).await["errcode"], 84061);
    assert_eq!(corp.get("externalcontact/list?userid=nobody").await["errcode"], 60111);
    let mark = json!({"userid": member, "external_userid": "wmA", "remark": "a"});
    assert_eq!(corp.post("externalcontact/remark", mark).await["errcode"], 84061);
}

#[actix_web::test]
async fn events_on_request_become_true() {
    let corp = TestCorp::start().await;
    let (member, customer) = (corp.member(1), "wmFromOutside0000000000000");
    let event = |kind: &str| {
        json!({"app": "demo", "type": kind, "times": 3, "fields":
            {"UserID": member, "ExternalUserID": customer, "State": "s", "WelcomeCode": "code"}})
    };
    let mut hearsay = event("add_external_contact");
    hearsay["keep_state"] = true.into();
    corp.event(hearsay).await;
    assert_eq!(corp.customer(customer).await["errcode"], 84061);

    corp.event(event("add_external_contact")).await;
    let answer = corp.customer(customer).await;
    assert_eq!(answer["follow_user"].as_array().unwrap().len(), 1);
    assert_eq!(answer["follow_user"][0]["state"], "s");
    let welcome = json!({"welcome_code": "code", "text": {"content": "hi"}});
    corp.done("externalcontact/send_welcome_msg", welcome).await;

    corp.event(event("del_follow_user")).await;
    assert_eq!(corp.customer(customer).await, answer, "the member can still read it");
    corp.event(event("del_external_contact")).await;
    assert_eq!(corp.customer(customer).await["errcode"], 84061);
}

#[actix_web::test]
async fn remarks_are_checked_and_kept() {
    let corp = TestCorp::start().await;
    let (member, customer) = corp.scanned(json!({"state": "referral"})).await;
    let remark = |more: Value| {
        let mut body = json!({"userid": member, "external_userid": customer});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for bad in [json!({}), json!({"remark": "长".repeat(21)}), json!({"description": "长".repeat(151)})] {
        assert_eq!(corp.post("externalcontact/remark", remark(bad)).await["errcode"], 40058);
    }
    corp.done("externalcontact/remark", remark(json!({"remark": "老王", "remark_mobiles": ["138"]}))).await;
    corp.done("externalcontact/remark", remark(json!({"description": "d", "remark_company": "c"}))).await;
    let follower = corp.customer(&customer).await["follow_user"][0].clone();
    let shown = json!([follower["remark"], follower["description"], follower["remark_mobiles"]]);
    assert_eq!(shown, json!(["老王", "d", ["138"]]));
    corp.done("externalcontact/remark", remark(json!({"remark_mobiles": [""]}))).await;
    assert_eq!(corp.customer(&customer).await["follow_user"][0]["remark_mobiles"], json!([]));
}

#[actix_web::test]
async fn everybody_is_listed_once_by_members() {
    let corp = TestCorp::start().await;
    let lifecycle = Lifecycle::new();
    let mut feed = corp.sandbox.subscribe();
    // The mock clock stands still, so whoever is to come at once is the only one; the others are scanned in.
    let plan = ArrivalPlan { speed: 1.0, first_at_once: true, limit: Some(1), churn: 0.0 };
    corp.sandbox.arrivals(plan, &lifecycle);
    assert!(lifecycle.finish(PATIENCE).await);
    let arrival = feed.recv().await.unwrap().customer;
    let order = json!({"app": "demo", "type": "scan", "times": 120, "fields": {"state": "mp_menu"}});
    corp.event(order).await;

    let members: Vec<String> = (0..50).map(|place| corp.member(place)).collect();
    let (mut cursor, mut seen, mut pages) = (Value::from(""), HashSet::new(), 0);
    while !cursor.is_null() {
        let body = json!({"userid_list": members, "cursor": cursor, "limit": 50});
        let page = corp.done("externalcontact/batch/get_by_user", body).await;
        for row in page["external_contact_list"].as_array().unwrap() {
            assert!(row["follow_info"]["tag_id"].is_array() && row["follow_info"].get("tags").is_none());
            let key =
                (row["follow_info"]["userid"].clone(), row["external_contact"]["external_userid"].clone());
            assert!(seen.insert(json!([key.0, key.1]).to_string()));
        }
        cursor = page["next_cursor"].clone();
        pages += 1;
    }
    assert_eq!((seen.len(), pages), (121, 3));
    assert!(seen.contains(&json!([arrival.user_id, arrival.external_user_id]).to_string()));
    let body = json!({"userid_list": vec!["a"; 101]});
    assert_eq!(corp.post("externalcontact/batch/get_by_user", body).await["errcode"], 40032);
}
