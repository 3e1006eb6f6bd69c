//! Contact ways, and who is behind them.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::client::TestCorp;

#[actix_web::test]
async fn a_way_for_several_spreads_its_customers() {
    let corp = TestCorp::start().await;
    let members = [corp.member(4), corp.member(5), corp.member(6)];
    let way = json!({"type": 2, "scene": 2, "state": "ours", "remark": "门店", "user": members});
    let added = corp.done("externalcontact/add_contact_way", way).await;
    let config_id = added["config_id"].as_str().unwrap().to_owned();
    assert!(added["qr_code"].as_str().unwrap().starts_with("https://"));

    let scan = json!({"app": "demo", "type": "scan", "times": 30, "fields": {"config_id": config_id}});
    let mut count: HashMap<String, u32> = HashMap::new();
    for delivery in corp.event(scan).await["deliveries"].as_array().unwrap() {
        *count.entry(delivery["user_id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(count, members.clone().map(|member| (member, 10)).into());

    let (member, _) = corp.scanned(json!({"config_id": config_id})).await;
    let corp = corp.restarted().await;
    let (next, customer) = corp.scanned(json!({"state": "ours"})).await;
    assert_eq!([member, next], [members[0].clone(), members[1].clone()], "the queue goes on");
    assert_eq!(corp.customer(&customer).await["follow_user"][0]["state"], "ours");

    corp.done("externalcontact/update_contact_way", json!({"config_id": config_id, "user": [members[2]]}))
        .await;
    assert_eq!(corp.scanned(json!({"config_id": config_id})).await.0, members[2]);
    corp.done("externalcontact/del_contact_way", json!({"config_id": config_id})).await;
    let gone = json!({"app": "demo", "type": "scan", "fields": {"config_id": config_id}});
    let (status, error) = corp.ask(reqwest::Method::POST, "/_control/events", Some(gone)).await;
    assert_eq!((status, &error["field"]), (400, &json!("fields.config_id")));
}

#[actix_web::test]
async fn a_department_stands_for_its_members_below() {
    let corp = TestCorp::start().await;
    let way = json!({"type": 2, "scene": 1, "party": [3]});
    let added = corp.done("externalcontact/add_contact_way", way).await;
    assert!(added.get("qr_code").is_none());
    let (member, _) = corp.scanned(json!({"config_id": added["config_id"]})).await;
    let department = corp.get(&format!("user/get?userid={member}")).await["department"][0].clone();
    assert!([json!(3), json!(9)].contains(&department), "{department}");
}

#[actix_web::test]
async fn wrong_ways_are_refused() {
    let corp = TestCorp::start().await;
    let (one, two) = (corp.member(0), corp.member(1));
    for (body, errcode) in [
        (json!({"scene": 2, "user": [one]}), 41037),
        (json!({"type": 1, "user": [one]}), 41038),
        (json!({"type": 3, "scene": 2, "user": [one]}), 41039),
        (json!({"type": 1, "scene": 3, "user": [one]}), 41040),
        (json!({"type": 1, "scene": 2, "user": [one, two]}), 41041),
        (json!({"type": 1, "scene": 2}), 40063),
        (json!({"type": 2, "scene": 2, "user": []}), 40063),
        (json!({"type": 1, "scene": 2, "user": ["nobody"]}), 60111),
        (json!({"type": 2, "scene": 2, "party": [99]}), 60003),
        (json!({"type": 1, "scene": 1, "style": 9, "user": [one]}), 41042),
        (json!({"type": 1, "scene": 2, "user": [one], "state": "s".repeat(31)}), 40058),
        (json!({"type": 1, "scene": 2, "user": [one], "remark": "长".repeat(31)}), 40058),
    ] {
        let answer = corp.post("externalcontact/add_contact_way", body.clone()).await;
        assert_eq!(answer["errcode"], errcode, "{body}");
    }
    for name in ["get", "update", "del"] {
        let name = format!("externalcontact/{name}_contact_way");
        assert_eq!(corp.post(&name, json!({})).await["errcode"], 41043);
        assert_eq!(corp.post(&name, json!({"config_id": "x"})).await["errcode"], 41044);
    }
}

#[actix_web::test]
async fn ways_are_listed_by_page_and_time() {
    let corp = TestCorp::start().await;
    let way = json!({"type": 1, "scene": 2, "user": [corp.member(0)], "state": "a", "skip_verify": false});
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(corp.done("externalcontact/add_contact_way", way.clone()).await["config_id"].clone());
    }
    let (mut cursor, mut seen) = (Value::Null, Vec::new());
    loop {
        let body = json!({"limit": 2, "cursor": cursor});
        let page = corp.done("externalcontact/list_contact_way", body).await;
        seen.extend(page["contact_way"].as_array().unwrap().iter().map(|way| way["config_id"].clone()));
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, ids);
    let shown = corp.done("externalcontact/get_contact_way", json!({"config_id": ids[0]})).await;
    let shown = &shown["contact_way"];
    assert_eq!(
        json!([shown["type"], shown["state"], shown["skip_verify"], shown["is_temp"]]),
        json!([1, "a", false, false])
    );
    let late = json!({"start_time": 1_800_000_000, "end_time": 1_800_000_001});
    let none = corp.done("externalcontact/list_contact_way", late).await;
    assert_eq!(none["contact_way"], json!([]));
}
