//! How much may happen in an hour, a day and longer, and from one address.

use reqwest::Method;
use scrm_wecom_sandbox::{Limits, Settings};
use serde_json::{Value, json};

use crate::client::TestCorp;

const SETTINGS: &str = "/_control/settings";
const TRANSFER: &str = "externalcontact/transfer_customer";
const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// Lets these limits hold.
async fn hold(corp: &TestCorp, limits: Value) {
    let settings = json!({ "enforce_limits": true, "limits": limits });
    assert_eq!(corp.ask(Method::PUT, SETTINGS, Some(settings)).await.0, 200);
}

async fn errcodes(corp: &TestCorp, name: &str, times: usize) -> Vec<i64> {
    let mut errcodes = Vec::new();
    for _ in 0..times {
        errcodes.push(corp.get(name).await["errcode"].as_i64().unwrap());
    }
    errcodes
}

#[actix_web::test]
async fn the_numbers_are_wecoms_and_kept() {
    let usual = Settings::default();
    assert!(!usual.enforce_limits);
    let Limits { calls_per_hour, ip_calls_per_minute, ip_calls_per_hour, .. } = usual.limits;
    assert_eq!((calls_per_hour, ip_calls_per_minute, ip_calls_per_hour), (150_000, 20_000, 600_000));
    let Limits { messages_per_hour, messages_per_day_and_member, transfers_per_90_days, .. } = usual.limits;
    assert_eq!((messages_per_hour, messages_per_day_and_member, transfers_per_90_days), (1000, 200, 2));

    let corp = TestCorp::start().await;
    hold(&corp, json!({"calls_per_hour": 7})).await;
    let corp = corp.restarted().await;
    let (_, settings) = corp.ask(Method::GET, SETTINGS, None).await;
    assert_eq!(settings["enforce_limits"], true);
    assert_eq!(settings["limits"]["calls_per_hour"], 7);
    assert_eq!(settings["limits"]["pictures_per_month"], 3000);
    for (body, field) in [
        (json!({"limits": {"calls": 1}}), "limits.calls"),
        (json!({"limits": {"calls_per_hour": -1}}), "limits.calls_per_hour"),
        (json!({"limits": 1}), "limits"),
        (json!({"enforce_limits": 1}), "enforce_limits"),
    ] {
        let (status, error) = corp.ask(Method::PUT, SETTINGS, Some(body)).await;
        assert_eq!((status, &error["field"]), (400, &json!(field)));
    }
    corp.ask(Method::PUT, SETTINGS, Some(json!({}))).await;
    assert_eq!(corp.sandbox.settings(), usual);
}

#[actix_web::test]
async fn whoever_exceeds_an_hour_waits_for_an_hour() {
    let corp = TestCorp::start().await;
    hold(&corp, json!({"calls_per_hour": 3})).await;
    assert_eq!(errcodes(&corp, "getcallbackip", 5).await, [0, 0, 0, 45009, 45009]);
    assert_eq!(errcodes(&corp, "get_api_domain_ip", 1).await, [0]);
    corp.advance(HOUR - 1);
    assert_eq!(errcodes(&corp, "getcallbackip", 1).await, [45009], "not only until the clock strikes");
    corp.advance(1);
    assert_eq!(errcodes(&corp, "getcallbackip", 4).await, [0, 0, 0, 45009]);

    let loose = json!({"limits": {"calls_per_hour": 0, "ip_calls_per_minute": 0}});
    corp.ask(Method::PUT, SETTINGS, Some(loose)).await;
    assert_eq!(errcodes(&corp, "getcallbackip", 2).await, [0, 0], "nothing holds unless it is enforced");
}

#[actix_web::test]
async fn whoever_exceeds_a_minute_waits_for_a_minute() {
    let corp = TestCorp::start().await;
    let settings = json!({"enforce_limits": true, "calls_per_minute": 2});
    corp.ask(Method::PUT, SETTINGS, Some(settings)).await;
    assert_eq!(errcodes(&corp, "getcallbackip", 3).await, [0, 0, 45009]);
    corp.advance(59);
    assert_eq!(errcodes(&corp, "getcallbackip", 1).await, [45009]);
    corp.advance(1);
    assert_eq!(errcodes(&corp, "getcallbackip", 3).await, [0, 0, 45009]);
}

#[actix_web::test]
async fn an_address_has_limits_of_its_own() {
    let mut corp = TestCorp::start().await;
    for (limits, wait) in [(json!({"ip_calls_per_minute": 2}), 60), (json!({"ip_calls_per_hour": 2}), HOUR)] {
        hold(&corp, limits).await;
        corp.renew().await;
        assert_eq!(errcodes(&corp, "getcallbackip", 3).await, [0, 0, 45009]);
        assert_eq!(errcodes(&corp, "get_api_domain_ip", 1).await, [0]);
        corp.advance(wait);
        corp.renew().await;
        assert_eq!(errcodes(&corp, "getcallbackip", 1).await, [0]);
        corp.advance(HOUR);
    }
    hold(&corp, json!({"ip_calls_per_minute": 0})).await;
    let app = corp.sandbox.app("demo").unwrap();
    let path = format!("/cgi-bin/gettoken?corpid={}&corpsecret={}", app.corp_id, app.secret);
    assert_eq!(corp.ask(Method::GET, &path, None).await.1["errcode"], 45009);
}

#[actix_web::test]
async fn all_apps_at_an_address_share_its_limits() {
    let corp = TestCorp::start().await;
    hold(&corp, json!({"ip_calls_per_minute": 3})).await;
    assert_eq!(errcodes(&corp, "getcallbackip", 2).await, [0, 0]);
    assert_eq!(corp.post_as("demo-2", "getcallbackip", json!({})).await["errcode"], 0);
    assert_eq!(corp.post_as("demo-2", "getcallbackip", json!({})).await["errcode"], 45009);
    assert_eq!(errcodes(&corp, "getcallbackip", 1).await, [45009]);
}

#[actix_web::test]
async fn pictures_are_counted_by_day_and_month() {
    for (limits, wait) in
        [(json!({"pictures_per_day": 1}), DAY), (json!({"pictures_per_month": 1}), 30 * DAY)]
    {
        let mut corp = TestCorp::start().await;
        hold(&corp, limits).await;
        let name = "media/uploadimg";
        assert_ne!(corp.post(name, json!({})).await["errcode"], 45009);
        assert_eq!(corp.post(name, json!({})).await["errcode"], 45009);
        corp.advance(wait - 1);
        corp.renew().await;
        assert_eq!(corp.post(name, json!({})).await["errcode"], 45009);
        corp.advance(1);
        assert_ne!(corp.post(name, json!({})).await["errcode"], 45009);
    }
}

#[actix_web::test]
async fn members_get_so_many_messages_an_hour_and_apps_send_so_many_a_day() {
    let mut corp = TestCorp::start().await;
    let text = |users: &str, content: &str| json!({"touser": users, "agentid": 1_000_002, "msgtype": "text", "text": {"content": content}});
    let (one, other) = (corp.member(0), corp.member(1));
    hold(&corp, json!({"messages_per_hour": 2})).await;
    for content in ["a", "b", "c"] {
        corp.done("message/send", text(&one, content)).await;
    }
    corp.done("message/send", text(&other, "d")).await;
    let shown = corp.ask(Method::GET, "/_control/messages", None).await.1;
    let delivered: Vec<&Value> = shown.as_array().unwrap().iter().map(|shown| &shown["delivered"]).collect();
    assert_eq!(delivered, [true, true, false, true]);

    corp.advance(HOUR);
    hold(&corp, json!({"messages_per_day_and_member": 2})).await;
    corp.done("message/send", text("@all", "e")).await;
    assert_eq!(corp.post("message/send", text("@all", "f")).await["errcode"], 45009);
    assert_eq!(corp.post("message/send", text(&one, "g")).await["errcode"], 45009);
    corp.advance(DAY);
    corp.renew().await;
    corp.done("message/send", text("@all", "f")).await;
}

#[actix_web::test]
async fn a_customer_is_handed_on_twice_in_ninety_days() {
    let mut corp = TestCorp::start().await;
    let (one, customer) = corp.scanned(json!({"state": "referral"})).await;
    let other = (0..2).map(|place| corp.member(place)).find(|member| *member != one).unwrap();
    let hand_on = |from: &str, to: &str| json!({"handover_userid": from, "takeover_userid": to, "external_userid": [customer]});
    corp.ask(Method::PUT, SETTINGS, Some(json!({"transfer_delay_s": 0}))).await;
    for (from, to, errcode) in [(&one, &other, 0), (&other, &one, 0), (&one, &other, 40128)] {
        let answer = corp.done(TRANSFER, hand_on(from, to)).await;
        assert_eq!(answer["customer"][0]["errcode"], errcode);
    }
    let settings = json!({"transfer_delay_s": 0, "limits": {"transfers_per_90_days": 3}});
    corp.ask(Method::PUT, SETTINGS, Some(settings)).await;
    for (from, to, errcode) in [(&one, &other, 0), (&other, &one, 40128)] {
        let answer = corp.done(TRANSFER, hand_on(from, to)).await;
        assert_eq!(answer["customer"][0]["errcode"], errcode);
    }
    corp.ask(Method::PUT, SETTINGS, Some(json!({}))).await;
    corp.advance(90 * DAY);
    corp.renew().await;
    let answer = corp.done(TRANSFER, hand_on(&other, &one)).await;
    assert_eq!(answer["customer"][0]["errcode"], 0);
}
