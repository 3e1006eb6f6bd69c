//! Connecting apps.

use std::time::Duration;

use reqwest::Method;
use scrm_kernel::CorpId;
use scrm_process::Service as _;
use serde_json::{Value, json};

use crate::support::{DEMO, TestIngest, Wecom, added};

const APP: &str = "/api/v1/ingest/apps/demo";

#[tokio::test]
async fn a_connected_app_is_shown_without_its_secrets() {
    let ingest = TestIngest::start().await;
    assert_eq!(
        ingest.admin().get("/api/v1/ingest/apps").await,
        (200, json!({"items": [], "next_cursor": null}))
    );
    let wecom = Wecom::of("demo", 1);
    let shown = json!({
        "name": "demo", "wecom_corp_id": wecom.corp_id, "kind": "self_built", "agent_id": 1_000_002,
        "suite": null, "state": "connected", "callback_path": "/callback/wecom/demo", "api_url": null, "version": 1, "updated_at": "2026-03-02T01:00:00.000Z",
    });
    assert_eq!(ingest.connect(&wecom).await, (200, shown.clone()));
    let (_, listed) = ingest.admin().get("/api/v1/ingest/apps").await;
    assert_eq!(listed, json!({"items": [shown], "next_cursor": null}));

    // Connected anew it is another version; whoever says which one they mean replaces no other.
    assert_eq!(ingest.connect(&wecom).await.1["version"], 2);
    let made_from = |version: i64| ingest.admin().with_header("if-match", format!("\"{version}\""));
    let (status, problem) = made_from(1).put(APP, &wecom.connection()).await;
    assert_eq!((status, &problem["code"]), (409, &json!("changed")), "{problem}");
    let secrets = json!({"token": wecom.token, "encoding_aes_key": wecom.encoding_aes_key()});
    assert_eq!(made_from(1).put(&format!("{APP}/callback"), &secrets).await.0, 409);
    assert_eq!(made_from(2).put(&format!("{APP}/callback"), &secrets).await.1["version"], 3);
    assert_eq!(made_from(3).put(APP, &wecom.connection()).await.1["version"], 4);
    ingest.finish().await;
}

#[tokio::test]
async fn secrets_come_out_in_no_answer() {
    let (ingest, wecom) = TestIngest::connected().await;
    let secrets = [wecom.secret.clone(), wecom.token.clone(), wecom.encoding_aes_key()];
    let with = |field: &str, value: Value| {
        let mut connection = wecom.connection();
        connection[field] = value;
        connection.to_string()
    };
    let bodies = [
        wecom.connection().to_string(),
        with("kind", "tea".into()),
        with("agent_id", "x".into()),
        with("agent_id", wecom.secret.clone().into()),
        with("surplus", wecom.secret.clone().into()),
        with("wecom_corp_id", Value::Null),
        wecom.connection().to_string().replace("\"kind\"", "\"Kind\""),
        wecom.connection().to_string().replace('}', ""),
    ];
    let admin = ingest.admin();
    let mut answers = Vec::new();
    for body in bodies {
        answers.push(admin.clone().sending("application/json").send(Method::PUT, APP, body).await);
    }
    for path in ["/api/v1/ingest/apps", "/api/v1/ingest/callbacks", "/api/openapi.json", DEMO] {
        answers.push(admin.send(Method::GET, path, "").await);
    }
    for answer in answers {
        let text = String::from_utf8(answer.body.clone()).unwrap();
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} in {text}");
        }
    }
    ingest.finish().await;
}

#[tokio::test]
async fn every_bad_field_is_named_and_nothing_changes() {
    let (ingest, wecom) = TestIngest::connected().await;
    let (_, before) = ingest.admin().get("/api/v1/ingest/apps").await;
    let cases = [
        ("wecom_corp_id", json!("")),
        ("wecom_corp_id", json!("w".repeat(65))),
        ("wecom_corp_id", json!("ww\u{7}")),
        ("kind", json!("")),
        ("kind", json!("Self_Built")),
        ("agent_id", json!(0)),
        ("agent_id", json!(-5)),
        ("secret", json!(" \t ")),
        ("token", json!("")),
        ("token", json!("t".repeat(33))),
        ("token", json!("两个字")),
        ("encoding_aes_key", json!("A".repeat(42))),
        ("encoding_aes_key", json!("!".repeat(43))),
    ];
    for (field, value) in cases {
        ingest.clock.advance(Duration::from_secs(1));
        let mut connection = Wecom::of("demo", 2).connection();
        connection[field] = value.clone();
        let (status, problem) = ingest.admin().put(APP, &connection).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("invalid_request")),
            "{field} {value}: {problem}"
        );
        assert_eq!(fields_of(&problem), [field], "{value}");
    }

    let all = json!({
        "wecom_corp_id": "", "kind": "x", "agent_id": 0, "secret": "", "token": "", "encoding_aes_key": "",
    });
    let (status, problem) = ingest.admin().put("/api/v1/ingest/apps/De_mo", &all).await;
    assert_eq!(status, 422);
    let expected = ["name", "wecom_corp_id", "kind", "agent_id", "secret", "token", "encoding_aes_key"];
    let mut named = fields_of(&problem);
    named.sort_unstable();
    let mut expected = expected.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(named, expected);

    assert_eq!(ingest.admin().get("/api/v1/ingest/apps").await.1, before);
    let now = ingest.clock.now();
    ingest.take(&wecom.callback(now, added("add_external_contact", "LiLei", "wm1", now))).await;
    ingest.finish().await;
}

fn fields_of(problem: &Value) -> Vec<String> {
    let fields = problem["fields"].as_array().unwrap_or_else(|| panic!("no fields: {problem}"));
    fields.iter().map(|field| field["field"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_enterprise_stays_with_its_corp_of_wecom() {
    let (ingest, wecom) = TestIngest::connected().await;
    let elsewhere = Wecom { corp_id: "ww00000000000000c2", ..Wecom::of("second", 2) };
    let (status, problem) = ingest.connect(&elsewhere).await;
    assert_eq!((status, &problem["code"]), (409, &json!("connected_elsewhere")));
    let (_, apps) = ingest.admin().get("/api/v1/ingest/apps").await;
    assert_eq!(apps["items"].as_array().unwrap().len(), 1);

    let nobody = ingest.server.admin(CorpId::mint(ingest.clock.now()));
    let (status, problem) = nobody.put(APP, &wecom.connection()).await;
    assert_eq!((status, &problem["code"]), (404, &json!("corp_not_found")));
    assert_eq!(nobody.get("/api/v1/ingest/apps").await.1["items"], json!([]));
    ingest.finish().await;
}

#[tokio::test]
async fn of_two_corps_connected_at_once_one_is_told_no() {
    let ingest = TestIngest::start().await;
    let first = Wecom::of("first", 1);
    let other = Wecom { corp_id: "ww00000000000000c2", ..Wecom::of("other", 2) };
    let (one, two) = tokio::join!(ingest.connect(&first), ingest.connect(&other));
    let mut statuses = [one.0, two.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{one:?} {two:?}");
    let (_, apps) = ingest.admin().get("/api/v1/ingest/apps").await;
    assert_eq!(apps["items"].as_array().unwrap().len(), 1, "{apps}");
    ingest.finish().await;
}

#[tokio::test]
async fn changed_secrets_work_at_once_and_the_old_ones_no_more() {
    let (ingest, old) = TestIngest::connected().await;
    let now = ingest.clock.now();
    ingest.take(&old.callback(now, added("add_external_contact", "LiLei", "wm0", now))).await;
    let new_token = Wecom { token: "anotherToken".to_owned(), ..old.clone() };
    let new_key = Wecom::of("demo", 3);
    let mut last = old;
    for (number, next) in [new_token, new_key].into_iter().enumerate() {
        assert_eq!(ingest.connect(&next).await.0, 200);
        let message = added("add_external_contact", "LiLei", &format!("wm1{number}"), now);
        assert_eq!(ingest.call(&last.callback(now, &message)).await.status, 403);
        ingest.take(&next.callback(now, &message)).await;
        last = next;
    }
    ingest.finish().await;
}

#[tokio::test]
async fn secrets_changed_through_another_process_work_within_a_second() {
    let (ingest, old) = TestIngest::connected().await;
    let (other, other_server) = ingest.replica().await;
    let now = ingest.clock.now();
    let send = async |wecom: &Wecom, customer: &str| {
        let callback = wecom.callback(now, added("add_external_contact", "LiLei", customer, now));
        other_server.stranger().send(Method::POST, &callback.path, callback.body).await.status
    };
    assert_eq!(send(&old, "wm0").await, 200);
    let new_key = Wecom { token: old.token.clone(), ..Wecom::of("demo", 4) };
    let new_token = Wecom { token: "anotherToken".to_owned(), ..new_key.clone() };
    for (number, next) in [new_key, new_token].iter().enumerate() {
        assert_eq!(ingest.connect(next).await.0, 200);
        // Forgers must not make a process read the rows on and on.
        ingest.clock.advance(Duration::from_secs(1));
        assert_eq!(send(next, &format!("wm1{number}")).await, 200, "{number}");
    }
    assert_eq!(send(&old, "wm2").await, 403);
    ingest.finish().await;
    other.close().await.unwrap();
}
