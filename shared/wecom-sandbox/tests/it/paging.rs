//! Lists in pages that are shorter than asked for.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::TestCorp;

/// Reads a list to its end, and returns its entries by page.
async fn pages(corp: &TestCorp, name: &str, list: &str, body: &Value) -> Vec<Vec<Value>> {
    let (mut body, mut pages) = (body.clone(), Vec::new());
    loop {
        let page = corp.done(name, body.clone()).await;
        pages.push(page[list].as_array().unwrap().clone());
        match page.get("next_cursor") {
            Some(cursor) if *cursor != body["cursor"] => body["cursor"] = cursor.clone(),
            Some(cursor) => panic!("{cursor} leads to itself"),
            None => return pages,
        }
        assert!(pages.len() < 1000, "{name} never ends");
    }
}

async fn set_short(corp: &TestCorp, short: bool) {
    let settings = json!({ "short_pages": short });
    assert_eq!(corp.ask(Method::PUT, "/_control/settings", Some(settings)).await.0, 200);
}

#[actix_web::test]
async fn short_pages_have_everything_once_and_in_order() {
    let corp = TestCorp::start().await;
    let (one, other) = (corp.member(0), corp.member(1));
    let relations: Vec<Value> = (0..30)
        .map(|i| json!({"app": "demo", "type": "add_external_contact", "fields": {"UserID": if i % 3 == 0 { &one } else { &other }, "ExternalUserID": format!("wm{i}")}}))
        .collect();
    corp.event(relations.into()).await;
    for _ in 0..25 {
        let way = json!({"type": 1, "scene": 2, "user": [one]});
        corp.done("externalcontact/add_contact_way", way).await;
    }
    let both = json!({"handover_userid": one, "takeover_userid": other,
        "external_userid": (0..10).map(|i| format!("wm{}", 3 * i)).collect::<Vec<_>>()});
    corp.done("externalcontact/transfer_customer", both.clone()).await;
    for (name, list, body) in [
        ("user/list_id", "dept_user", json!({"limit": 20})),
        ("user/list_id", "dept_user", json!({"limit": 1})),
        (
            "externalcontact/batch/get_by_user",
            "external_contact_list",
            json!({"userid_list": [one, other], "limit": 12}),
        ),
        ("externalcontact/list_contact_way", "contact_way", json!({"limit": 10})),
        ("externalcontact/transfer_result", "customer", both),
    ] {
        set_short(&corp, false).await;
        let full = pages(&corp, name, list, &body).await;
        set_short(&corp, true).await;
        let short = pages(&corp, name, list, &body).await;
        let sizes: Vec<usize> = short.iter().map(Vec::len).collect();
        assert_eq!(short.concat(), full.concat(), "{name} {sizes:?}");
        let limit = body["limit"].as_u64().unwrap_or(1000);
        assert!(sizes.iter().all(|size| (*size as u64) < limit.max(2)), "{name} {sizes:?}");
        assert!(sizes.contains(&0), "{name} {sizes:?}");
        assert!(sizes.windows(2).all(|pair| pair != [0, 0]), "{name} {sizes:?}");
    }
}

#[actix_web::test]
async fn followers_come_in_short_pages_too_but_never_without_any() {
    let corp = TestCorp::start().await;
    let added = |place: usize| json!({"app": "demo", "type": "add_external_contact", "fields": {"UserID": corp.member(place), "ExternalUserID": "wmA"}});
    corp.event((0..8).map(added).collect()).await;
    set_short(&corp, true).await;
    let (mut found, mut cursor, mut read) = (Vec::new(), String::new(), 0);
    loop {
        let page = corp.get(&format!("externalcontact/get?external_userid=wmA&cursor={cursor}")).await;
        let followers = page["follow_user"].as_array().unwrap();
        assert!(!followers.is_empty());
        found.extend(followers.iter().map(|follower| follower["userid"].as_str().unwrap().to_owned()));
        read += 1;
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(found, (0..8).map(|place| corp.member(place)).collect::<Vec<_>>());
    assert!(read > 1);
    let nobody = corp.get("externalcontact/get?external_userid=wmB").await;
    assert_eq!(nobody["errcode"], 84061);
}

#[actix_web::test]
async fn short_pages_are_kept_over_a_restart_and_empty_lists_end_at_once() {
    let corp = TestCorp::start().await;
    set_short(&corp, true).await;
    let corp = corp.restarted().await;
    assert_eq!(corp.ask(Method::GET, "/_control/settings", None).await.1["short_pages"], true);
    let none = corp.done("externalcontact/list_contact_way", json!({})).await;
    assert_eq!((&none["contact_way"], none.get("next_cursor")), (&json!([]), None));
    assert_eq!(corp.post("user/list_id", json!({"cursor": "?"})).await["errcode"], 50100);
    let (status, error) = corp.ask(Method::PUT, "/_control/settings", Some(json!({"short_pages": 1}))).await;
    assert_eq!((status, &error["field"]), (400, &json!("short_pages")));
}
