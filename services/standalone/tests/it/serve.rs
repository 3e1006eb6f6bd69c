//! `scrm serve` on an empty folder, and who gets in.

use serde_json::json;

use crate::support::{Outsider, Process, scrm, token};

pub(crate) fn serve(data: &std::path::Path) -> Process {
    Process::start(&["serve", "--port", "0", "--data", data.to_str().unwrap()], 1)
}

#[tokio::test]
async fn an_empty_folder_becomes_ready_and_waits_to_be_set_up() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("not/there/yet");
    let mut process = serve(&data);
    let outsider = Outsider::new(token(&data));
    assert_eq!(outsider.get_bare(&process.url("/healthz")).await, 200);
    assert_eq!(outsider.get_bare(&process.url("/readyz")).await, 200);
    let (status, apps) = outsider.get(&process.url("/api/v1/ingest/apps")).await;
    assert_eq!((status, apps["items"].as_array().map(Vec::len)), (200, Some(0)));
    assert!(process.terminate().success());
}

#[tokio::test]
async fn only_the_public_paths_answer_a_stranger() {
    let data = tempfile::tempdir().unwrap();
    let process = serve(data.path());
    let outsider = Outsider::new("not.a.token".to_owned());
    for path in ["/", "/metrics", "/api/v1/leads/leads", "/api/v1/ingest/callbacks?limit=x", "/no/such/path"]
    {
        assert_eq!(outsider.get_bare(&process.url(path)).await, 401, "{path}");
        let (status, problem) = outsider.get(&process.url(path)).await;
        assert_eq!((status, problem["code"].as_str()), (401, Some("unauthenticated")), "{path}");
        assert!(problem["request_id"].is_string(), "{problem}");
    }
    assert_eq!(outsider.get_bare(&process.url("/callback/wecom/nobody")).await, 403);
    assert_eq!(outsider.get_bare(&process.url("/api/docs")).await, 200);
    assert_eq!(outsider.get_bare(&process.url("/api/docs/")).await, 401);
    let (status, document) = outsider.get(&process.url("/api/openapi.json")).await;
    assert_eq!(status, 200);
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/api/v1/leads/leads/{id}") && paths.contains_key("/callback/wecom/{app}"));
}

#[test]
fn it_listens_where_it_is_told_and_nowhere_else() {
    let data = tempfile::tempdir().unwrap();
    let arguments =
        ["serve", "--port", "0", "--listen", "127.0.0.2", "--data", data.path().to_str().unwrap()];
    let process = Process::start(&arguments, 1);
    let url = process.url("");
    let port: u16 = url.strip_prefix("http://127.0.0.2:").expect(&url).parse().unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.2", port)).is_ok());
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

/// Bodies as large as are read, from strangers: in the envelope, in a signature, in a form.
#[tokio::test]
async fn what_strangers_send_takes_little_memory() {
    const MOST: usize = 1 << 20;
    const MOST_FORM: usize = 256 << 10;
    const AT_ONCE: usize = 8;
    let data = tempfile::tempdir().unwrap();
    let process = serve(data.path());
    let outsider = Outsider::new(token(data.path()));
    let app = json!({
        "wecom_corp_id": "ww0123456789abcdef", "kind": "self_built", "agent_id": 1_000_002, "secret": "s",
        "token": "t", "encoding_aes_key": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPA",
    });
    let source = json!({"name": "官网", "group": "sales"});
    for (path, body) in [("apps/demo", app), ("lead-sources/site", source)] {
        let (status, answer) = outsider.put(&process.url(&format!("/api/v1/ingest/{path}")), &body).await;
        assert_eq!(status, 200, "{answer}");
    }
    let before = process.peak_memory();
    let nested = "<a>".repeat(MOST / 3);
    let entities = format!("<!DOCTYPE x [{}]><xml/>", "<!ENTITY a 'aaaaaaaaaa'>".repeat(40_000));
    let encrypt = format!("<xml><Encrypt>{}</Encrypt></xml>", "A".repeat(MOST - 64));
    let brackets = "[".repeat(MOST_FORM);
    let query = "?msg_signature=0000000000000000000000000000000000000000&timestamp=1&nonce=1";
    for (path, body, expected) in [
        (format!("/callback/wecom/demo{query}"), nested.as_str(), 403),
        (format!("/callback/wecom/demo{query}"), &entities, 403),
        (format!("/callback/wecom/demo{query}"), &encrypt, 403),
        ("/hooks/leads/site".to_owned(), &brackets, 401),
    ] {
        let url = process.url(&path);
        let answers = outsider.post_at_once(&url, body, AT_ONCE).await;
        assert!(answers.iter().all(|status| *status == expected), "{path} {answers:?}");
    }
    // What is read at once, four times over: a buffer that grows is there twice for a moment, and what it holds is decoded.
    let grown = process.peak_memory() - before;
    assert!(grown < 4 * (AT_ONCE * MOST / 1024) as u64, "{grown} KiB more");
}

#[tokio::test]
async fn metrics_show_what_was_answered_to_who_has_a_token() {
    let data = tempfile::tempdir().unwrap();
    let process = serve(data.path());
    let outsider = Outsider::new(token(data.path()));
    assert_eq!(outsider.get(&process.url("/api/v1/leads/leads")).await.0, 200);
    let text = outsider.text(&process.url("/metrics")).await;
    let line = r#"scrm_http_requests_total{route="/api/v1/leads/leads",status="200"} 1"#;
    assert!(text.lines().any(|found| found == line), "{text}");
}

#[tokio::test]
async fn a_folder_has_one_process_and_its_tokens_outlive_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let mut process = serve(data.path());
    let token = token(data.path());

    let folder = data.path().to_str().unwrap();
    let second = scrm(&["serve", "--port", "0", "--data", folder]).output().unwrap();
    assert!(!second.status.success());
    let complaint = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(complaint.contains("another process uses the data folder"), "{complaint}");

    process.kill();
    let process = serve(data.path());
    let (status, _) = Outsider::new(token).get(&process.url("/api/v1/leads/leads")).await;
    assert_eq!(status, 200);
}

#[test]
fn whoever_says_that_it_is_ready_ends_in_order_at_once() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        assert!(serve(data.path()).terminate().success());
    }
}

#[test]
fn a_token_needs_a_folder_that_was_started() {
    let data = tempfile::tempdir().unwrap();
    let arguments = ["token", "--role", "admin", "--data", data.path().to_str().unwrap()];
    let output = scrm(&arguments).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("is no data folder"));
}
