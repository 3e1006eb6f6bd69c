//! What a process says of itself before it can do anything.

use std::time::Duration;

use reqwest::Method;
use scrm_http::Readiness;
use scrm_kernel::Lifecycle;
use scrm_testing::TestServer;
use serde_json::json;

const PROBLEM: &[u8] = b"application/problem+json";

#[tokio::test]
async fn a_process_that_starts_is_alive_and_says_that_it_is_not_ready() {
    let (readiness, lifecycle) = (Readiness::default(), Lifecycle::new());
    let server = TestServer::before(readiness.clone(), Vec::new(), scrm_testing::clock(), &lifecycle);
    let get = async |path| server.stranger().send(Method::GET, path, "").await;
    let alive = get("/healthz").await;
    assert_eq!((alive.status, alive.body.as_slice()), (200, &b"alive\n"[..]));

    let starting = get("/readyz").await;
    assert_eq!((starting.status, starting.headers["content-type"].as_bytes()), (503, PROBLEM));
    let problem = starting.json();
    assert_eq!(
        (&problem["code"], &problem["title"]),
        (&json!("starting"), &json!("Temporarily unavailable"))
    );
    assert_eq!(problem["detail"], "The process is still starting.");

    readiness.set();
    let ready = get("/readyz").await;
    assert_eq!((ready.status, ready.body.as_slice()), (200, &b"ready\n"[..]));
    lifecycle.stop();
    assert!(lifecycle.finish(Duration::from_secs(10)).await);
}
