//! An installation is set up with the code that its start wrote, and stays so.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::serve::serve;
use crate::support::{Process, run};

const PASSWORD: &str = "nine green cranes at dusk";

async fn post(process: &Process, token: Option<&str>, route: &str, body: &Value) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(process.url(&format!("/api/v1/directory/{route}"))).json(body);
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn status_of_me(process: &Process, token: &str) -> u16 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.get(process.url("/api/v1/directory/me")).bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

/// Returns the code that lies in the folder, as soon as it does.
fn code_of(data: &Path) -> String {
    let (is_there, lines, complaints) = run(data, &["setup-code"]);
    assert!(is_there, "{complaints}");
    lines[0].clone()
}

#[tokio::test]
async fn an_empty_installation_is_set_up_by_whoever_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut process = serve(data);
    scrm_testing::eventually("the code is written", async || data.join("setup-code").exists().then_some(()))
        .await;
    let file = std::fs::metadata(data.join("setup-code")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);

    let first = json!({"code": code_of(data), "account": "admin", "password": PASSWORD});
    let (status, body) = post(&process, None, "setup", &first).await;
    assert_eq!(status, 200, "{body}");
    let token = body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(status_of_me(&process, &token).await, 200);

    // What was ended stays so after a power failure of the process, whose tokens are good otherwise.
    let sign_in = json!({"account": "admin", "password": PASSWORD});
    let (_, other) = post(&process, None, "sign-in", &sign_in).await;
    let other = other["access_token"].as_str().unwrap().to_owned();
    assert_eq!(post(&process, Some(&token), "sign-out", &json!({})).await.0, 204);
    process.kill();
    let process = serve(data);
    assert_eq!((status_of_me(&process, &token).await, status_of_me(&process, &other).await), (401, 200));
    assert_eq!(post(&process, None, "setup", &first).await.0, 404);
    scrm_testing::eventually("the code is gone", async || (!data.join("setup-code").exists()).then_some(()))
        .await;
    let (is_there, _, complaints) = run(data, &["setup-code"]);
    assert!(!is_there && complaints.contains("set up"), "{complaints}");
}
