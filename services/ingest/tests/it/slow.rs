//! Senders who begin a request and do not go on: nobody waits for them, and nothing of it is stored.

use std::time::Duration;

use futures::future::join_all;
use scrm_http::Patience;

use crate::support::{DEMO, TestIngest, added};

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_callback_that_does_not_end_is_refused_like_any_other() {
    let (ingest, wecom) = TestIngest::connected().await;
    let server = ingest.with_patience(Patience { body: SHORT, ..Patience::default() });
    let now = ingest.clock.now();
    let whole = wecom.callback(now, added("add_external_contact", "LiLei", "wm1", now));
    let body = std::str::from_utf8(&whole.body).unwrap();
    let (half, length) = (&body[..body.len() / 2], body.len());
    let sized = format!("Content-Length: {length}\r\n\r\n");
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", half.len());
    let mut begun = Vec::new();
    for (method, path) in [("POST", whole.path.as_str()), ("POST", DEMO), ("PUT", DEMO)] {
        for rest in [sized.clone(), format!("{sized}{half}"), format!("{chunked}{half}\r\n")] {
            begun.push(format!("{method} {path} HTTP/1.1\r\nHost: test\r\n{rest}"));
        }
    }
    for reply in join_all(begun.iter().map(|begun| server.begin(begun))).await {
        assert_eq!((reply.status, reply.body.len()), (403, 0), "{reply:?}");
    }
    assert!(ingest.callbacks("").await.is_empty());
    ingest.take(&whole).await;
    assert_eq!(ingest.processed().await.len(), 1);
    ingest.finish().await;
}

#[tokio::test]
async fn a_webhook_that_does_not_end_is_answered_with_a_problem() {
    let ingest = TestIngest::start().await;
    let server = ingest.with_patience(Patience { body: SHORT, ..Patience::default() });
    let sender = ingest.sender("site").await;
    let hook = sender.hook(ingest.clock.now(), "1", r#"{"name": "王芳", "phone": "13800138000"}"#);
    let headers: Vec<_> = hook.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let length = hook.body.len();
    for content_type in ["", "Content-Type: application/json\r\n"] {
        let begun = format!(
            "POST /hooks/leads/site HTTP/1.1\r\nHost: test\r\n{headers}{content_type}Content-Length: {length}\r\n\r\n{{"
        );
        let reply = server.begin(&begun).await;
        assert_eq!(reply.status, 408, "{begun}");
        assert_eq!(reply.json()["code"], "slow_body");
        assert_eq!(reply.headers["content-type"], "application/problem+json");
    }
    // Its sender may begin anew.
    sender.submit(&hook).await;
    ingest.finish().await;
}
