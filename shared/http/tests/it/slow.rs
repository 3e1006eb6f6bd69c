//! Clients that begin a request and do not go on: each is given up, and its connection closed.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Json;
use actix_web::{HttpResponse, post};
use futures::future::join_all;
use scrm_http::{Patience, Routes};
use scrm_kernel::{CorpId, Lifecycle};
use scrm_testing::TestServer;
use serde_json::Value;

const SHORT: Duration = Duration::from_millis(100);

#[utoipa::path(security(("bearer" = [])))]
#[post("/api/v1/things")]
async fn take(_: Json<Value>) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// Runs a server with one route, which wants JSON.
async fn with_server(patience: Patience, test: impl AsyncFnOnce(&TestServer)) {
    let (lifecycle, clock) = (Lifecycle::new(), scrm_testing::clock());
    let routes: Routes = Arc::new(|config| {
        config.service(take);
    });
    test(&TestServer::with_patience(patience, vec![routes], clock, &lifecycle)).await;
    lifecycle.stop();
    assert!(lifecycle.finish(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up() {
    let patience = Patience { head: SHORT, ..Patience::default() };
    with_server(patience, async |server| {
        let begun = ["", "GET /healthz", "GET /healthz HTTP/1.1\r\nHost: test\r\nX-Slow: "];
        for reply in join_all(begun.map(|begun| server.begin(begun))).await {
            assert_eq!((reply.status, reply.body.len()), (408, 0), "{reply:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_json_body_that_does_not_end_is_given_up_with_a_problem() {
    let patience = Patience { body: SHORT, ..Patience::default() };
    with_server(patience, async |server| {
        let token = server.token(CorpId::mint(scrm_testing::clock().now()));
        let head = |framing: &str| {
            format!(
                "POST /api/v1/things HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\n{framing}\r\n\r\n"
            )
        };
        let (sized, chunked) = (head("Content-Length: 20"), head("Transfer-Encoding: chunked"));
        let begun = [sized.clone(), format!("{sized}{{"), chunked.clone(), format!("{chunked}1\r\n{{\r\n")];
        for reply in join_all(begun.iter().map(|begun| server.begin(begun))).await {
            assert_eq!(
                (reply.status, reply.json()["code"].as_str()),
                (408, Some("body_too_slow")),
                "{reply:?}"
            );
            assert_eq!(reply.headers["content-type"], "application/problem+json");
        }
        // Nobody waits for the body of a stranger.
        let strangers = [sized, chunked].map(|head| head.replace(&token, "nobody"));
        for reply in join_all(strangers.iter().map(|begun| server.begin(begun))).await {
            assert_eq!(reply.status, 401, "{reply:?}");
        }
    })
    .await;
}
