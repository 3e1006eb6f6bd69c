//! Messages and cards to members.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::TestCorp;
use crate::support::{Receiver, text_of};

const SEND: &str = "message/send";
const UPDATE: &str = "message/update_template_card";
const AGENT: u64 = 1_000_002;

fn card(users: &str, task_id: &str) -> Value {
    json!({"touser": users, "msgtype": "template_card", "agentid": AGENT, "template_card": {
        "card_type": "button_interaction", "task_id": task_id, "main_title": {"title": "新客户"},
        "button_list": [{"text": "接待", "key": "take", "style": 1}, {"text": "转交", "key": "pass"}],
    }})
}

fn text(users: &str, content: &str) -> Value {
    json!({"touser": users, "msgtype": "text", "agentid": AGENT, "text": {"content": content}})
}

async fn phones(corp: &TestCorp) -> Vec<Value> {
    let seen = corp.ask(Method::GET, "/_control/messages", None).await.1;
    seen.as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_card_is_pressed_and_updated_once() {
    let mut corp = TestCorp::start().await;
    let member = corp.member(0);
    let sent = corp.done(SEND, card(&member, "lead-1")).await;
    assert!(sent["msgid"].is_string() && sent["response_code"].is_string());
    let mut receiver = Receiver::start(&corp.sandbox);
    corp.sandbox.set_callback_url("demo", &receiver.url).unwrap();
    let mut corp = {
        corp = corp.restarted().await;
        corp
    };
    corp.event(json!({"app": "demo", "type": "click", "fields": {"task_id": "lead-1", "key": "pass"}})).await;
    let told = receiver.next().await;
    for (element, expected) in [
        ("Event", "template_card_event"),
        ("FromUserName", member.as_str()),
        ("EventKey", "pass"),
        ("TaskId", "lead-1"),
        ("CardType", "button_interaction"),
        ("AgentID", "1000002"),
    ] {
        assert_eq!(text_of(&told, element), Some(expected), "{element}");
    }
    let update = |code: &str| json!({"userids": [member, "nobody"], "agentid": AGENT, "response_code": code, "button": {"replace_name": "已转交"}});
    let code = text_of(&told, "ResponseCode").unwrap();
    assert_eq!(corp.done(UPDATE, update(code)).await["invaliduser"], json!(["nobody"]));
    assert_eq!(corp.post(UPDATE, update(code)).await["errcode"], 60140);
    assert_eq!(corp.post(UPDATE, update("no")).await["errcode"], 60140);
    corp.advance(72 * 60 * 60);
    corp.renew().await;
    let expired = sent["response_code"].as_str().unwrap();
    assert_eq!(corp.post(UPDATE, update(expired)).await["errcode"], 60140);
}

#[actix_web::test]
async fn a_press_needs_a_card_and_a_button() {
    let corp = TestCorp::start().await;
    corp.done(SEND, card(&corp.member(0), "lead-1")).await;
    for (fields, field) in [
        (json!({"task_id": "lead-2"}), "fields"),
        (json!({"user_id": corp.member(1)}), "fields"),
        (json!({"key": "sell"}), "fields.key"),
        (json!({"button": "take"}), "fields.button"),
    ] {
        let order = json!({"app": "demo", "type": "click", "fields": fields});
        let (status, error) = corp.ask(Method::POST, "/_control/events", Some(order)).await;
        assert_eq!((status, &error["field"]), (400, &json!(field)));
    }
}

#[actix_web::test]
async fn more_than_30_a_minute_vanish_silently() {
    let corp = TestCorp::start().await;
    let (one, other) = (corp.member(0), corp.member(1));
    for i in 0..31 {
        corp.done(SEND, text(&one, &format!("{i}"))).await;
    }
    corp.done(SEND, text(&other, "a")).await;
    corp.advance(60);
    corp.done(SEND, text(&one, "b")).await;
    let lost: Vec<Value> =
        phones(&corp).await.into_iter().filter(|shown| shown["delivered"] == false).collect();
    assert_eq!((lost.len(), &lost[0]["content"]["content"]), (1, &json!("30")));
}

#[actix_web::test]
async fn a_repeated_message_is_shown_once_if_asked_for() {
    let corp = TestCorp::start().await;
    let mut body = card(&corp.member(0), "lead-1");
    body["enable_duplicate_check"] = 1.into();
    let first = corp.done(SEND, body.clone()).await;
    let second = corp.done(SEND, body.clone()).await;
    assert_eq!(first, second);
    assert_eq!(phones(&corp).await.len(), 1);
    corp.advance(1800);
    assert_eq!(
        corp.post(SEND, body).await["errcode"],
        42014,
        "a second card cannot have the name of the first"
    );
    assert_eq!(phones(&corp).await.len(), 1);

    let mut body = text(&corp.member(0), "a");
    body["enable_duplicate_check"] = 1.into();
    for (seconds, seen) in [(0, 2), (1799, 2), (1, 3)] {
        corp.advance(seconds);
        corp.done(SEND, body.clone()).await;
        assert_eq!(phones(&corp).await.len(), seen);
    }
    body["agentid"] = 1_000_003.into();
    assert_eq!(corp.post_as("demo-2", SEND, body).await["errcode"], 0);
    assert_eq!(phones(&corp).await.len(), 4, "what another app says is no repetition");
}

#[actix_web::test]
async fn a_card_has_a_name_of_its_own() {
    let corp = TestCorp::start().await;
    let member = corp.member(0);
    corp.done(SEND, card(&member, "lead-1")).await;
    let corp = corp.restarted().await;
    let notice = |task_id: &str| {
        json!({"touser": member, "msgtype": "template_card", "agentid": AGENT,
            "template_card": {"card_type": "text_notice", "task_id": task_id, "main_title": {"title": "日报"}}})
    };
    for body in [card(&member, "lead-1"), card(&corp.member(1), "lead-1"), notice("lead-1")] {
        assert_eq!(corp.post(SEND, body.clone()).await["errcode"], 42014, "{body}");
    }
    assert_eq!(corp.post(SEND, card("nobody", "lead-2")).await["errcode"], 81013);
    corp.done(SEND, notice("lead-2")).await;
    assert_eq!(corp.post(SEND, card(&member, "lead-2")).await["errcode"], 42014);
    corp.done(SEND, notice("")).await;
    corp.done(SEND, notice("")).await;

    let mut of_another = card(&member, "lead-1");
    of_another["agentid"] = 1_000_003.into();
    assert_eq!(corp.post_as("demo-2", SEND, of_another).await["errcode"], 0, "names are those of an app");
}

#[actix_web::test]
async fn receivers_and_contents_are_checked() {
    let corp = TestCorp::start().await;
    let member = corp.member(0);
    let answer = corp.done(SEND, text(&format!("{member}|Nobody"), "a")).await;
    assert_eq!(answer["invaliduser"], "nobody");
    assert!(answer.get("response_code").is_none());
    let changed = |name: &str, value: Value| {
        let mut body = text(&member, "a");
        body[name] = value;
        body
    };
    for (body, errcode) in [
        (changed("touser", "".into()), 82001),
        (changed("touser", "nobody".into()), 81013),
        (changed("agentid", 5.into()), 40056),
        (changed("agentid", Value::Null), 41011),
        (changed("msgtype", "smell".into()), 40008),
        (changed("text", json!({"content": ""})), 44004),
        (card(&member, "a b"), 42014),
    ] {
        assert_eq!(corp.post(SEND, body.clone()).await["errcode"], errcode, "{body}");
    }
    let all = corp
        .done(SEND, json!({"toparty": "1", "msgtype": "text", "agentid": AGENT, "text": {"content": "a"}}));
    all.await;
    assert_eq!(phones(&corp).await.len(), 51);
}
