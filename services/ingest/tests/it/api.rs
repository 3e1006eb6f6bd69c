//! The lists, and who may see them.

use reqwest::Method;
use serde_json::json;

use crate::support::{DEMO, TestIngest, added};

#[tokio::test]
async fn pages_of_callbacks_follow_each_other_newest_first() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    for customer in 0..5 {
        let message = added("add_external_contact", "LiLei", &format!("wm{customer}"), now);
        ingest.take(&wecom.callback(now, message)).await;
    }
    let all: Vec<_> = ingest.processed().await.iter().map(|row| row["seq"].clone()).collect();
    assert!(all.is_sorted_by(|newer, older| newer.as_i64() > older.as_i64()), "{all:?}");

    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let (status, page) =
            ingest.admin().get(&format!("/api/v1/ingest/callbacks?state=stored&limit=2{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        found.extend(page["items"].as_array().unwrap().iter().map(|row| row["seq"].clone()));
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((found, pages), (all, 3));
    ingest.finish().await;
}

#[tokio::test]
async fn a_list_refuses_what_it_cannot_mean() {
    let (ingest, _) = TestIngest::connected().await;
    let cases = [
        ("state=new", 422, "invalid_request"),
        ("state=", 422, "invalid_request"),
        ("limit=0", 422, "invalid_request"),
        ("limit=201", 422, "invalid_request"),
        ("cursor=", 422, "bad_cursor"),
        ("cursor=x", 422, "bad_cursor"),
        ("cursor=InRleHQi", 422, "bad_cursor"), // "text"
        ("limit=many", 400, "bad_query"),
        ("limit=-1", 400, "bad_query"),
        ("limit=1&limit=2", 400, "bad_query"),
        ("surplus=1", 400, "bad_query"),
    ];
    for (query, status, code) in cases {
        let reply = ingest.admin().send(Method::GET, &format!("/api/v1/ingest/callbacks?{query}"), "").await;
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(code)), "{query}");
        assert_eq!(reply.headers["content-type"], "application/problem+json", "{query}");
    }
    ingest.finish().await;
}

#[tokio::test]
async fn another_enterprise_sees_nothing() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    ingest.take(&wecom.callback(now, added("add_external_contact", "LiLei", "wm1", now))).await;
    let other = ingest.server.admin(scrm_kernel::CorpId::mint(now));
    for list in ["apps", "callbacks"] {
        let (status, page) = other.get(&format!("/api/v1/ingest/{list}")).await;
        assert_eq!((status, page), (200, json!({"items": [], "next_cursor": null})), "{list}");
    }
    ingest.finish().await;
}

#[tokio::test]
async fn nothing_of_the_api_is_looked_at_without_a_token() {
    let (ingest, _) = TestIngest::connected().await;
    let paths = [
        "/api/v1/ingest/apps",
        "/api/v1/ingest/apps/demo",
        "/api/v1/ingest/apps/%ff",
        "/api/v1/ingest/callbacks",
        "/api/v1/ingest/callbacks?limit=many",
        "/api/v1/ingest/nothing",
        "/api/v2",
        "/api/openapi.json/",
        "/api",
        "/metrics",
        "/",
        "/callback/wecom/",
        "/callback/wecom/demo/",
        "/callback/wecom/demo/x",
    ];
    let strangers = [ingest.server.stranger(), ingest.server.bearer(""), ingest.server.bearer("a.b.c")];
    for path in paths {
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
            for stranger in &strangers {
                let reply = stranger.send(method.clone(), path, "{\"no\": \"json").await;
                assert_eq!(reply.status, 401, "{method} {path}");
                let problem = reply.json();
                assert_eq!(problem["code"], "unauthenticated", "{method} {path}");
                assert_eq!(problem["request_id"], reply.headers["x-request-id"].to_str().unwrap());
                assert_eq!(reply.headers["content-type"], "application/problem+json");
            }
        }
    }
    let (status, problem) = ingest.admin().get("/api/v1/ingest/nothing").await;
    assert_eq!((status, &problem["code"]), (404, &json!("no_such_route")));
    ingest.finish().await;
}

#[tokio::test]
async fn what_is_public_needs_no_token() {
    let (ingest, _) = TestIngest::connected().await;
    let stranger = ingest.server.stranger();
    for (path, status) in [("/healthz", 200), ("/readyz", 200), ("/api/openapi.json", 200), (DEMO, 403)] {
        assert_eq!(stranger.send(Method::GET, path, "").await.status, status, "{path}");
    }
    ingest.finish().await;
}
