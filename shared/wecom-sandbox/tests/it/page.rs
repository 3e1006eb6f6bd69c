//! The script of the page at `/`, run by Node on a document that `page.mjs` makes up; skipped where there is no Node.

use std::process::{Command, Output};

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::TestCorp;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/page/page.js");
const BROWSER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/page.mjs");

/// Runs Node and returns what it printed; `None` where there is none.
async fn node(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("node");
    command.args(arguments).env("TZ", "UTC");
    let ran = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let Ok(Output { status, stdout, stderr }) = ran else {
        eprintln!("there is no node here, so the script of the page is not run");
        return None;
    };
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    Some(String::from_utf8(stdout).unwrap())
}

fn rows<'a>(shown: &'a Value, list: &str) -> Vec<&'a str> {
    shown[list].as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect()
}

#[actix_web::test]
async fn the_script_can_be_read() {
    node(&["--check", SCRIPT]).await;
}

#[actix_web::test]
async fn the_page_shows_what_happens_and_lets_things_happen() {
    let corp = TestCorp::start().await;
    let member = corp.member(0);
    let name = corp.sandbox.company().staff[0].name.clone();
    let fields =
        json!({"UserID": member, "ExternalUserID": "wmA", "State": "<b>展会</b>", "WelcomeCode": "a"});
    corp.event(json!({"app": "demo", "type": "add_external_contact", "fields": fields})).await;
    let greeting = json!({"welcome_code": "a", "text": {"content": "您好"}});
    corp.done("externalcontact/send_welcome_msg", greeting).await;
    let card = json!({"touser": member, "msgtype": "template_card", "agentid": 1_000_002, "template_card": {
        "card_type": "button_interaction", "task_id": "lead-1", "main_title": {"title": "新线索"},
        "button_list": [{"text": "接待", "key": "take"}, {"text": "转交", "key": "pass"}],
    }});
    corp.done("message/send", card).await;
    assert_eq!(corp.customer("x").await["errcode"], 40096);
    let contacts = corp.ask(Method::GET, "/_control/corp", None).await.1["contacts"].clone();
    let customer = contacts[0]["customer"].as_str().unwrap();

    let Some(seen) = node(&[BROWSER, &corp.url]).await else { return };
    let seen: Value = serde_json::from_str(&seen).unwrap();
    let first = &seen["first"];
    assert_eq!((&first["light"], &first["empty"]["calls"]), (&json!("light on"), &Value::Null), "{first}");
    assert_eq!(first["state"], "还没有回调地址：在「接入信息」里填");
    assert_eq!(first["title"], format!("{} · 企业微信沙箱", corp.sandbox.company().name));
    let numbers = json!({"customers": "1", "welcomes": "1", "messages": "1", "calls": "4", "failed_calls": "1", "attempts": "1"});
    assert_eq!(first["numbers"], numbers);
    let [card, greeting] = rows(first, "phones")[..] else { panic!("{first}") };
    assert_eq!(card, format!("{name} 的手机 应用发来卡片 08:53:20 新线索 接待 转交"));
    assert_eq!(greeting, format!("{customer} 的手机 {name} 发来欢迎语 08:53:20 您好"));
    let [contact] = rows(first, "contacts")[..] else { panic!("{first}") };
    assert!(
        contact.starts_with(&format!("08:53:20 {customer} → {name} <b>展会</b> 客户 ID wmA")),
        "{contact}"
    );
    assert!(contact.ends_with("客户删除成员 成员删除客户"), "{contact}");
    assert_eq!(rows(first, "callbacks"), ["08:53:20 添加客户 wmA 没有地址"]);
    let calls = rows(first, "calls");
    let called =
        ["externalcontact/get 40096", "message/send 0", "externalcontact/send_welcome_msg 0", "gettoken 0"];
    assert!(
        calls.iter().zip(called).all(|(shown, call)| shown.starts_with(&format!("08:53:20 {call} "))),
        "{calls:?}"
    );

    let searched = &seen["searched"];
    let [call] = rows(searched, "calls")[..] else { panic!("{searched}") };
    for part in [
        "GET /cgi-bin/externalcontact/get?external_userid=x&access_token=***",
        "返回 {\n  \"errcode\": 40096",
    ] {
        assert!(call.contains(part), "{call}");
    }
    assert_eq!(
        (&searched["phones"], &searched["empty"]["phones"]),
        (&json!([]), &json!("最近 2 条里没有「40096」"))
    );

    let pressed = &seen["pressed"];
    assert_eq!(pressed["told"], format!("{name} 点了「接待」，回调有 1 条没有送达"));
    assert_eq!((rows(pressed, "callbacks").len(), rows(pressed, "calls").len()), (2, 4));
    assert!(rows(pressed, "callbacks")[0].starts_with("08:53:20 点击卡片 "), "{pressed}");
    let paused = &seen["paused"];
    assert_eq!((rows(paused, "callbacks").len(), &paused["fresh"]["callbacks"]), (2, &json!("1 条新的")));
    assert_eq!((&paused["light"], &paused["numbers"]["attempts"]), (&json!("light"), &json!("3")));
    let freshened = &seen["freshened"];
    assert_eq!((rows(freshened, "callbacks").len(), &freshened["fresh"]["callbacks"]), (3, &Value::Null));
}
