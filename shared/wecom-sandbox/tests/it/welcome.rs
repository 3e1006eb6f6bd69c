//! Greetings and the files in them.

use futures::future::join;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::TestCorp;

const WELCOME: &str = "externalcontact/send_welcome_msg";

/// Lets somebody come, and returns the welcome code.
async fn code(corp: &TestCorp, code: &str) -> Value {
    let fields =
        json!({"UserID": corp.member(0), "ExternalUserID": format!("wm{code}"), "WelcomeCode": code});
    corp.event(json!({"app": "demo", "type": "add_external_contact", "fields": fields})).await;
    json!({"welcome_code": code, "text": {"content": "您好"}})
}

#[actix_web::test]
async fn a_greeting_goes_through_once_within_20_seconds() {
    let corp = TestCorp::start().await;
    let first = code(&corp, "a").await;
    corp.advance(19);
    corp.done(WELCOME, first.clone()).await;
    let second = code(&corp, "b").await;
    let corp = corp.restarted().await;
    assert_eq!(corp.post(WELCOME, first).await["errcode"], 41051);
    corp.advance(20);
    assert_eq!(corp.post(WELCOME, second).await["errcode"], 41050);
    // The same event again, however late, does not make its code good again.
    for (seconds, errcode) in [(0, 41051), (3600, 41050)] {
        corp.advance(seconds);
        code(&corp, &format!("c{seconds}")).await;
        let again = code(&corp, "a").await;
        assert_eq!(corp.post(WELCOME, again).await["errcode"], errcode);
    }
    assert_eq!(
        corp.post(WELCOME, json!({"welcome_code": "no", "text": {"content": "a"}})).await["errcode"],
        41050
    );
    assert_eq!(corp.post(WELCOME, json!({"text": {"content": "a"}})).await["errcode"], 41049);
}

#[actix_web::test]
async fn what_is_wrong_with_a_greeting_is_said_and_spends_nothing() {
    let corp = TestCorp::start().await;
    let good = code(&corp, "a").await;
    let picture = corp.upload("image", b"\x89PNG\r\n\x1a\n0").await["media_id"].clone();
    let image = |id: &Value| json!({"msgtype": "image", "image": {"media_id": id}});
    for (attachments, errcode) in [
        (json!([]), 40058),
        (json!([image(&json!("no"))]), 40007),
        (json!([{"msgtype": "video", "video": {"media_id": picture}}]), 40007),
        (json!([{"msgtype": "card"}]), 41065),
        (json!([{"msgtype": "link", "link": {"title": "t"}}]), 40058),
        (Value::Array(vec![image(&picture); 10]), 41064),
    ] {
        let body = json!({"welcome_code": "a", "attachments": attachments});
        assert_eq!(corp.post(WELCOME, body).await["errcode"], errcode, "{attachments}");
    }
    let mut full = good;
    full["attachments"] =
        json!([image(&picture), {"msgtype": "link", "link": {"title": "t", "url": "https://a.example"}}]);
    corp.done(WELCOME, full).await;
    let seen = corp.ask(Method::GET, "/_control/messages", None).await.1;
    assert_eq!((&seen[0]["kind"], &seen[0]["external_user_id"]), (&json!("welcome"), &json!("wma")));
    assert_eq!(seen[0]["content"]["attachments"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn of_two_greetings_at_once_one_waits_in_vain() {
    let corp = TestCorp::start().await;
    let body = code(&corp, "a").await;
    let faults = json!({"api": {WELCOME: {"latency_ms": 2000}}});
    corp.ask(Method::PUT, "/_control/faults", Some(faults)).await;
    let (one, other) = join(corp.post(WELCOME, body.clone()), corp.post(WELCOME, body)).await;
    let mut codes = [one["errcode"].as_i64(), other["errcode"].as_i64()];
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(41096)]);
}

#[actix_web::test]
async fn of_several_apps_that_are_told_of_a_contact_one_greets() {
    let corp = TestCorp::start().await;
    let told = |app: &str, kind: &str, code: &str| {
        let fields = json!({"UserID": corp.member(0), "ExternalUserID": "wmA", "WelcomeCode": code});
        json!({"app": app, "type": kind, "fields": fields})
    };
    let greeting = |code: &str| json!({"welcome_code": code, "text": {"content": "您好"}});
    let (half, whole) = ("add_half_external_contact", "add_external_contact");
    corp.event(json!([told("demo", half, "a"), told("demo-2", half, "b")])).await;
    assert_eq!(corp.post_as("demo-2", WELCOME, greeting("b")).await["errcode"], 0);
    assert_eq!(corp.post(WELCOME, greeting("a")).await["errcode"], 41051);
    corp.advance(5);
    corp.event(told("demo", whole, "c")).await;
    assert_eq!(corp.post(WELCOME, greeting("c")).await["errcode"], 41051);

    // When they meet again, two greet at once.
    corp.advance(3600);
    corp.event(json!([told("demo", whole, "d"), told("demo-2", whole, "e")])).await;
    let faults = json!({"api": {WELCOME: {"latency_ms": 2000}}});
    corp.ask(Method::PUT, "/_control/faults", Some(faults)).await;
    let (one, other) =
        join(corp.post(WELCOME, greeting("d")), corp.post_as("demo-2", WELCOME, greeting("e"))).await;
    let mut codes = [one["errcode"].as_i64(), other["errcode"].as_i64()];
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(41096)]);
}

#[actix_web::test]
async fn whoever_must_agree_to_archiving_is_greeted_afterwards() {
    let corp = TestCorp::start().await;
    let settings = json!({"archive_consent": true});
    let (status, set) = corp.ask(Method::PUT, "/_control/settings", Some(settings)).await;
    assert_eq!((status, &set["archive_consent"]), (200, &json!(true)));
    let early = code(&corp, "a").await;
    assert_eq!(corp.post(WELCOME, early.clone()).await["errcode"], 41053);
    corp.advance(60);
    assert_eq!(corp.post(WELCOME, early).await["errcode"], 41050);

    let fields = json!({"UserID": corp.member(0), "ExternalUserID": "wma", "WelcomeCode": "b"});
    corp.event(json!({"app": "demo", "type": "msg_audit_approved", "fields": fields})).await;
    let greeting = json!({"welcome_code": "b", "text": {"content": "您好"}});
    let corp = corp.restarted().await;
    corp.done(WELCOME, greeting.clone()).await;
    assert_eq!(corp.post(WELCOME, greeting).await["errcode"], 41051);

    let other = code(&corp, "c").await;
    assert_eq!(corp.post(WELCOME, other.clone()).await["errcode"], 41053, "each customer agrees");
    corp.ask(Method::PUT, "/_control/settings", Some(json!({}))).await;
    corp.done(WELCOME, other).await;
}

#[actix_web::test]
async fn files_live_three_days() {
    let corp = TestCorp::start().await;
    let bytes = b"\x89PNG\r\n\x1a\n0";
    assert_eq!(corp.upload("image", b"tiny").await["errcode"], 40006);
    assert_eq!(corp.upload("hologram", bytes).await["errcode"], 40004);
    assert_eq!(corp.upload("video", bytes).await["errcode"], 40005);
    let forgotten = corp.upload("file", bytes).await["media_id"].clone();
    let forget = json!({"forget_media": true});
    assert_eq!(corp.ask(Method::PUT, "/_control/faults", Some(forget)).await.0, 200);
    let path = format!("media/get?media_id={}", forgotten.as_str().unwrap());
    assert_eq!(corp.get(&path).await["errcode"], 40007);
    let uploaded = corp.upload("image", bytes).await;
    assert!(uploaded["created_at"].is_string());
    let id = uploaded["media_id"].as_str().unwrap().to_owned();

    let mut corp = corp.restarted().await;
    let path = format!("/cgi-bin/media/get?access_token={}&media_id={id}", corp.token);
    let file = corp.send(Method::GET, &path, None).await.unwrap();
    assert_eq!(file.headers()["content-disposition"], "attachment; filename=\"a.png\"");
    assert_eq!(file.bytes().await.unwrap().as_ref(), bytes);
    corp.advance(3 * 24 * 60 * 60);
    corp.renew().await;
    assert_eq!(corp.get(&format!("media/get?media_id={id}")).await["errcode"], 40007);
    let calls = corp.ask(Method::GET, "/_control/calls", None).await.1;
    let upload =
        calls.as_array().unwrap().iter().find(|call| call["query"].as_str().unwrap().contains("type=image"));
    assert_eq!(upload.unwrap()["body"]["filename"], "a.png");
}
