//! `scrm reconcile` beside a running installation.

use reqwest::Method;
use serde_json::json;

use crate::support::{Outsider, Process, scrm, token};

#[tokio::test]
async fn an_arrival_that_nobody_heard_of_becomes_a_lead_when_it_is_looked_for() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let ports = ["--port", "0", "--sandbox-port", "0", "--speed", "0", "--data", folder];
    let process = Process::start(&[&["demo"], ports.as_slice()].concat(), 2);
    let outsider = Outsider::new(token(data.path()));

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let faults = json!({"callbacks": {"drop": 1.0}});
    let request = client.request(Method::PUT, process.sandbox_url("/_control/faults")).json(&faults);
    assert!(request.send().await.unwrap().status().is_success());
    let (status, apps) = outsider.get(&process.sandbox_url("/_control/apps")).await;
    assert_eq!(status, 200, "{apps}");
    let fields = json!({"UserID": apps[0]["staff"][0], "ExternalUserID": "wmUnheard"});
    let event = json!({"app": "demo", "type": "add_external_contact", "fields": fields});
    let (status, body) = outsider.post(&process.sandbox_url("/_control/events"), &event).await;
    assert_eq!(status, 200, "{body}");

    let output = scrm(&["reconcile", "--data", folder]).output().unwrap();
    let lines = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && lines.contains("done:") && lines.contains("1 were lost"), "{lines}");
    assert_eq!(outsider.leads_of(&process, "wmUnheard").await.len(), 1);
}

#[test]
fn there_is_nothing_to_compare_where_nothing_runs() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    assert!(scrm(&["migrate", "--data", folder]).status().unwrap().success());
    let output = scrm(&["reconcile", "--data", folder]).output().unwrap();
    let lines = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && lines.contains("no process uses"), "{lines}");
}
