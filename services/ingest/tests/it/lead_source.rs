//! Lead sources, as an administrator sets them up.

use std::time::Duration;

use scrm_kernel::CorpId;
use scrm_process::Service as _;
use serde_json::json;

use crate::support::TestIngest;

const SITE: &str = "/api/v1/ingest/lead-sources/site";
const BODY: &str = r#"{"phone": "13800138000"}"#;

#[tokio::test]
async fn a_new_source_shows_its_secret_once() {
    let ingest = TestIngest::start().await;
    let form = json!({"name": "官网表单", "group": "华东", "mapping": {"phone": "/tel", "id": "/no"}});
    let (status, mut made) = ingest.admin().put(SITE, &form).await;
    assert_eq!(status, 200, "{made}");
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    assert_eq!(secret.as_str().unwrap().len(), 64);
    let shown = json!({
        "source": "site", "name": "官网表单", "group": "华东", "mapping": {"id": "/no", "phone": "/tel"},
        "hook_path": "/hooks/leads/site", "version": 1, "updated_at": "2026-03-02T01:00:00.000Z",
    });
    assert_eq!(made, shown);
    let (_, listed) = ingest.admin().get("/api/v1/ingest/lead-sources").await;
    assert_eq!(listed, json!({"items": [shown], "next_cursor": null}));

    // Changing the rest keeps the secret.
    let changed = json!({"name": "官网", "group": "华北"});
    let made_from = |version: i64| ingest.admin().with_header("if-match", format!("\"{version}\""));
    for other in [0, 2] {
        let (status, problem) = made_from(other).put(SITE, &changed).await;
        assert_eq!((status, &problem["code"]), (409, &json!("changed")), "{other}");
    }
    let (status, changed) = made_from(1).put(SITE, &changed).await;
    assert_eq!((status, &changed["name"], &changed["secret"]), (200, &json!("官网"), &json!(null)));
    assert_eq!(changed["version"], 2);
    let nowhere = "/api/v1/ingest/lead-sources/nowhere";
    assert_eq!(made_from(1).put(nowhere, &json!({"name": "无", "group": "华北"})).await.0, 409);
    let sender = ingest.known_sender("site", secret.as_str().unwrap());
    sender.submit(&sender.hook(ingest.clock.now(), "1", BODY)).await;
    ingest.finish().await;
}

#[tokio::test]
async fn a_chosen_secret_replaces_the_one_before() {
    let ingest = TestIngest::start().await;
    let before = ingest.sender("site").await;
    let now = ingest.clock.now();
    before.submit(&before.hook(now, "1", BODY)).await;
    let form = json!({"name": "官网表单", "group": "华东", "secret": "chosen-secret-0001"});
    let after = ingest.sender_with("site", form).await;
    assert_eq!(before.send(&before.hook(now, "2", BODY)).await.status, 401);
    after.submit(&after.hook(now, "2", BODY)).await;
    ingest.finish().await;
}

#[tokio::test]
async fn a_form_is_refused_with_every_field_named() {
    let ingest = TestIngest::start().await;
    let form = json!({
        "name": " ", "group": "a/b", "secret": "short", "mapping": {"phone": "tel", "age": "/age"},
    });
    let (status, problem) = ingest.admin().put("/api/v1/ingest/lead-sources/No", &form).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_request")));
    let fields: Vec<_> =
        problem["fields"].as_array().unwrap().iter().map(|field| field["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["source", "name", "group", "secret", "mapping.age", "mapping.phone"]);
    let (status, problem) =
        ingest.admin().put(SITE, &json!({"name": "x", "group": "y", "mapping": {}})).await;
    assert_eq!((status, &problem["fields"][0]["field"]), (422, &json!("mapping")));
    let (_, listed) = ingest.admin().get("/api/v1/ingest/lead-sources").await;
    assert_eq!(listed["items"], json!([]));
    ingest.finish().await;
}

#[tokio::test]
async fn sources_belong_to_their_enterprise() {
    let ingest = TestIngest::start().await;
    ingest.sender("site").await;
    let other = ingest.server.admin(CorpId::mint(ingest.clock.now()));
    let (_, listed) = other.get("/api/v1/ingest/lead-sources").await;
    assert_eq!(listed["items"], json!([]));
    let (status, problem) = other.put(SITE, &json!({"name": "x", "group": "y"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("source_name_taken")));
    for client in [ingest.server.stranger(), ingest.server.bearer("a.b.c")] {
        assert_eq!(client.get("/api/v1/ingest/lead-sources").await.0, 401);
        assert_eq!(client.put(SITE, &json!({})).await.0, 401);
    }
    ingest.finish().await;
}

#[tokio::test]
async fn another_process_knows_a_new_secret_a_second_later() {
    let ingest = TestIngest::start().await;
    let before = ingest.sender("site").await;
    let (replica, server) = ingest.replica().await;
    let there = |sender: &crate::sender::Sender| {
        let url = format!("http://{}/hooks/leads/{}", server.address(), sender.source);
        sender.clone().at(url)
    };
    let now = ingest.clock.now();
    there(&before).submit(&before.hook(now, "1", BODY)).await;
    let form = json!({"name": "官网表单", "group": "华东", "secret": "chosen-secret-0001"});
    let after = ingest.sender_with("site", form).await;
    ingest.clock.advance(Duration::from_secs(1));
    there(&after).submit(&after.hook(now, "2", BODY)).await;
    assert_eq!(there(&before).send(&before.hook(now, "3", BODY)).await.status, 401);
    ingest.finish().await;
    replica.close().await.unwrap();
}
