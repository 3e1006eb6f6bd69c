//! Tokens, and what every call has in common.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::client::TestCorp;

#[actix_web::test]
async fn a_token_is_the_same_until_it_expires() {
    let mut corp = TestCorp::start().await;
    let first = corp.token.clone();
    corp.advance(7199);
    corp.renew().await;
    assert_eq!(corp.token, first);
    assert_eq!(corp.get("getcallbackip").await["errcode"], 0);
    corp.advance(1);
    assert_eq!(corp.get("getcallbackip").await["errcode"], 42001);
    corp.renew().await;
    assert_ne!(corp.token, first);
    assert_eq!(corp.get("get_api_domain_ip").await["errcode"], 0);
}

#[actix_web::test]
async fn wrong_credentials_are_told_apart() {
    let corp = TestCorp::start().await;
    let app = corp.sandbox.app("demo").unwrap();
    let (corp_id, secret) = (&app.corp_id, &app.secret);
    for (query, errcode) in [
        (format!("corpsecret={secret}"), 41002),
        (format!("corpid={corp_id}"), 41004),
        (format!("corpid={corp_id}&corpsecret=no"), 40001),
        (format!("corpid=ww0&corpsecret={secret}"), 40013),
    ] {
        let (status, answer) = corp.ask(Method::GET, &format!("/cgi-bin/gettoken?{query}"), None).await;
        assert_eq!((status, &answer["errcode"]), (200, &json!(errcode)), "{query}");
    }
    for (query, errcode) in [("", 41001), ("?access_token=no", 40014)] {
        let (_, answer) = corp.ask(Method::GET, &format!("/cgi-bin/user/get{query}"), None).await;
        assert_eq!(answer["errcode"], errcode, "{query}");
    }
    assert_eq!(corp.get("user/nothing").await["errcode"], 40094);
    assert_eq!(corp.get("externalcontact/remark").await["errcode"], 40058);
}

#[actix_web::test]
async fn revoked_tokens_are_refused_and_replaced() {
    let mut corp = TestCorp::start().await;
    let (first, body) = (corp.token.clone(), Some(json!({"revoke_tokens": true})));
    let (status, _) = corp.ask(Method::PUT, "/_control/faults", body).await;
    assert_eq!((status, &corp.get("getcallbackip").await["errcode"]), (200, &json!(40014)));
    corp.renew().await;
    assert_ne!(corp.token, first);
    assert_eq!(corp.get("getcallbackip").await["errcode"], 0);
}

#[actix_web::test]
async fn answers_look_like_wecoms() {
    let corp = TestCorp::start().await;
    let path = format!("/cgi-bin/getcallbackip?access_token={}", corp.token);
    let response = corp.send(Method::GET, &path, None).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json; charset=UTF-8");
    assert_eq!(response.headers()["date"], "Thu, 09 Oct 2025 08:53:20 GMT");
    assert_eq!(response.headers().get_all("date").iter().count(), 1);
}

#[actix_web::test]
async fn too_many_calls_a_minute_are_refused_until_the_next() {
    let corp = TestCorp::start().await;
    let settings = json!({"calls_per_minute": 3});
    corp.ask(Method::PUT, "/_control/settings", Some(settings)).await;
    for errcode in [0, 0, 0, 45009] {
        assert_eq!(corp.get("getcallbackip").await["errcode"], errcode);
    }
    assert_eq!(corp.get("get_api_domain_ip").await["errcode"], 0, "each API is counted for itself");
    corp.advance(60);
    assert_eq!(corp.get("getcallbackip").await["errcode"], 0);
}

#[actix_web::test]
async fn faults_of_an_endpoint_hit_it_and_no_other() {
    let corp = TestCorp::start().await;
    let way = json!({"type": 1, "scene": 2, "user": [corp.member(0)]});
    let faults = json!({"api": {"externalcontact/add_contact_way": {"errcode": -1}}});
    corp.ask(Method::PUT, "/_control/faults", Some(faults)).await;
    assert_eq!(corp.post("externalcontact/add_contact_way", way.clone()).await["errcode"], -1);
    assert_eq!(corp.get("getcallbackip").await["errcode"], 0);

    // Carried out, but never answered.
    let faults = json!({"api": {"*": {"close_after_accept": 1.0}}});
    corp.ask(Method::PUT, "/_control/faults", Some(faults)).await;
    let path = format!("/cgi-bin/externalcontact/add_contact_way?access_token={}", corp.token);
    let broken = match corp.send(Method::POST, &path, Some(way)).await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    corp.ask(Method::PUT, "/_control/faults", Some(json!({}))).await;
    let ways = corp.done("externalcontact/list_contact_way", json!({})).await;
    assert_eq!((broken, ways["contact_way"].as_array().unwrap().len()), (true, 1));
    let calls = corp.ask(Method::GET, "/_control/calls", None).await.1;
    let last = calls.as_array().unwrap().iter().rev().nth(1).unwrap();
    assert_eq!((&last["fault"], &last["answer"]["errcode"]), (&json!("close_after_accept"), &json!(0)));
}

#[actix_web::test]
async fn a_call_may_be_done_and_never_answered() {
    let corp = TestCorp::start().await;
    let faults = json!({"api": {"externalcontact/add_contact_way": {"timeout_after_accept": 1.0}}});
    corp.ask(Method::PUT, "/_control/faults", Some(faults)).await;
    let path = format!("/cgi-bin/externalcontact/add_contact_way?access_token={}", corp.token);
    let way = json!({"type": 1, "scene": 2, "user": [corp.member(0)]});
    let waiting = corp.send(Method::POST, &path, Some(way));
    let waited = tokio::time::timeout(Duration::from_secs(2), waiting).await;
    assert!(waited.is_err(), "an answer came");
    let ways = corp.done("externalcontact/list_contact_way", json!({})).await;
    assert_eq!(ways["contact_way"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn calls_are_kept_over_a_restart_without_secrets() {
    let corp = TestCorp::start().await;
    let (token, secret) = (corp.token.clone(), corp.sandbox.app("demo").unwrap().secret);
    corp.get("user/get?userid=x").await;
    assert_eq!(corp.sandbox.calls().len(), 2);
    let corp = corp.restarted().await;
    assert_eq!(corp.token, token, "the token outlives the process");
    assert_eq!(corp.sandbox.calls().len(), 1, "since it was opened");
    let calls = corp.ask(Method::GET, "/_control/calls", None).await.1;
    assert_eq!(calls.as_array().unwrap().len(), 3, "since the beginning");
    assert_eq!(calls[1]["query"], "userid=x&access_token=***");
    let text = calls.to_string();
    assert!(!text.contains(&token) && !text.contains(&secret));
}

#[actix_web::test]
async fn an_address_that_is_not_trusted_gets_tokens_and_nothing_for_them() {
    let mut corp = TestCorp::start().await;
    let path = "/_control/settings";
    let (status, _) =
        corp.ask(Method::PUT, path, Some(json!({"trusted_ips": ["10.0.0.1", "10.1.*.*"]}))).await;
    assert_eq!(status, 200);
    corp.renew().await;
    for answer in [corp.get("getcallbackip").await, corp.post("externalcontact/remark", json!({})).await] {
        assert_eq!(answer["errcode"], 60020);
        let text = answer["errmsg"].as_str().unwrap();
        assert!(text.starts_with("not allow to access from your ip, hint: ["), "{text}");
        assert!(text.contains("_sandbox], from ip: 127.0.0.1, more info at "), "{text}");
    }
    assert_eq!(corp.ask(Method::GET, "/cgi-bin/getcallbackip", None).await.1["errcode"], 41001);

    let corp = corp.restarted().await;
    let (_, settings) = corp.ask(Method::GET, path, None).await;
    assert_eq!(settings["trusted_ips"], json!(["10.0.0.1", "10.1.*.*"]));
    assert_eq!(corp.get("getcallbackip").await["errcode"], 60020);
    for trusted in [json!(["10.0.0.1", "127.0.0.*"]), json!(["127.0.0.1"]), json!([])] {
        corp.ask(Method::PUT, path, Some(json!({ "trusted_ips": trusted }))).await;
        assert_eq!(corp.get("getcallbackip").await["errcode"], 0, "{trusted}");
    }
    for wrong in [json!("127.0.0.1"), json!([1]), json!(["127.0.0"]), json!(["10.0.0.0/8"])] {
        let (status, error) = corp.ask(Method::PUT, path, Some(json!({ "trusted_ips": wrong }))).await;
        assert_eq!((status, &error["field"]), (400, &json!("trusted_ips")), "{wrong}");
    }
}
