//! `scrm doctor` and WeCom: clocks, credentials, callbacks, trusted addresses.

use std::fs;
use std::time::Duration;

use reqwest::Method;
use scrm_kernel::Clock;
use scrm_testing::{APP, TestWecom, eventually};
use scrm_wecom_sandbox::{Answer, Event};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::doctor::{assert_only_fails, examine};
use crate::serve::serve;
use crate::support::{Outsider, Process, run, token};

/// An installation with a connected app.
struct Connected {
    data: TempDir,
    process: Process,
    wecom: TestWecom,
    outsider: Outsider,
}

impl Connected {
    /// Connects the app of a WeCom whose clock is `ahead` of ours.
    async fn start(ahead: Duration) -> Self {
        let clock = Clock::mock(Clock::system().now() + ahead);
        let wecom = TestWecom::start(clock);
        let data = tempfile::tempdir().unwrap();
        let process = serve(data.path());
        let outsider = Outsider::new(token(data.path()));
        let connected = Self { data, process, wecom, outsider };
        connected.connect(|_| {}).await;
        connected
    }

    /// Connects the app, with something changed.
    async fn connect(&self, change: impl FnOnce(&mut Value)) {
        let app = self.wecom.sandbox.app(APP).unwrap();
        let mut body = json!({
            "wecom_corp_id": app.corp_id, "kind": app.kind, "agent_id": app.agent_id,
            "secret": app.secret, "token": app.token, "encoding_aes_key": app.encoding_aes_key,
            "api_url": self.wecom.url(),
        });
        change(&mut body);
        let url = self.process.url(&format!("/api/v1/ingest/apps/{APP}"));
        let (status, answer) = self.outsider.put(&url, &body).await;
        assert_eq!(status, 200, "{answer}");
    }

    async fn refuse(&self, endpoint: &str, errcode: i64) {
        let faults = json!({"api": {endpoint: {"errcode": errcode}}});
        let (status, answer) = self.wecom.control(Method::PUT, "/_control/faults", &faults).await;
        assert_eq!(status, 200, "{answer}");
    }

    fn only_fails(&self, name: &str, found: &str, remedy: &str) {
        assert_only_fails(self.data.path(), name, found, remedy);
    }

    async fn finish(self) {
        self.wecom.finish().await;
    }
}

#[tokio::test]
async fn a_connected_app_is_well_and_its_secrets_stay_secret() {
    let connected = Connected::start(Duration::ZERO).await;
    let (is_well, checks) = examine(connected.data.path());
    assert!(is_well, "{checks:?}");
    for name in ["clock", "credentials", "callback reachable", "trusted IP"] {
        assert_eq!(checks[name]["state"], "ok", "{checks:?}");
    }
    let app = connected.wecom.sandbox.app(APP).unwrap();
    let (_, lines, _) = run(connected.data.path(), &["doctor"]);
    let text = lines.join("\n");
    for secret in [&app.secret, &app.token, &app.encoding_aes_key] {
        assert!(!text.contains(secret.as_str()), "{text}");
    }
    // Whoever holds WeCom's token keeps it: it was asked for, not made anew.
    let calls = connected.wecom.calls("gettoken");
    let given: std::collections::BTreeSet<_> =
        calls.iter().filter_map(|(_, answer)| answer["access_token"].as_str()).collect();
    assert!(given.len() <= 1, "{calls:?}");
    connected.finish().await;
}

#[tokio::test]
async fn a_clock_that_is_wrong_by_minutes_is_found() {
    let connected = Connected::start(Duration::from_mins(5)).await;
    connected.only_fails("clock", "WeCom (demo) is ", "NTP");
    connected.finish().await;
    let connected = Connected::start(Duration::from_secs(40)).await;
    assert!(examine(connected.data.path()).0);
    connected.finish().await;
}

#[tokio::test]
async fn a_secret_that_wecom_does_not_take_is_found() {
    let connected = Connected::start(Duration::ZERO).await;
    connected.connect(|body| body["secret"] = "another".into()).await;
    connected.only_fails("credentials", "40001", "Secret of the app");
    connected.connect(|_| {}).await;
    connected.refuse("gettoken", 40013).await;
    connected.only_fails("credentials", "40013", "企业ID");
    connected.finish().await;
}

#[tokio::test]
async fn a_wecom_that_cannot_be_reached_is_found() {
    let connected = Connected::start(Duration::ZERO).await;
    connected.connect(|body| body["api_url"] = "http://127.0.0.1:9".into()).await;
    connected.only_fails("credentials", "did not go out", "api_url");
    connected.finish().await;
}

#[tokio::test]
async fn keys_of_another_installation_open_no_secrets() {
    let connected = Connected::start(Duration::ZERO).await;
    let other = tempfile::tempdir().unwrap();
    assert!(run(other.path(), &["migrate"]).0);
    let keys = "keys/installation.keys";
    fs::copy(other.path().join(keys), connected.data.path().join(keys)).unwrap();
    connected.only_fails("credentials", "cannot be read", "installation keys");
    connected.finish().await;
}

#[tokio::test]
async fn an_address_that_wecom_does_not_trust_is_named() {
    let connected = Connected::start(Duration::ZERO).await;
    connected.refuse("agent/get", 60020).await;
    connected.only_fails("trusted IP", "127.0.0.1", "Enter 127.0.0.1 in WeCom's console");
    // WeCom may say so before it gives a token.
    connected.refuse("gettoken", 60020).await;
    connected.only_fails("trusted IP", "127.0.0.1", "企业可信IP");
    connected.refuse("agent/get", 48002).await;
    let (is_well, checks) = examine(connected.data.path());
    assert!(is_well && checks["trusted IP"]["found"].as_str().unwrap().contains("48002"), "{checks:?}");
    connected.finish().await;
}

#[tokio::test]
async fn a_suite_without_a_ticket_is_found() {
    let connected = Connected::start(Duration::ZERO).await;
    let (_, checks) = examine(connected.data.path());
    assert_eq!(checks["suites"]["found"], "no suite is set up");

    let sandbox = &connected.wecom.sandbox;
    let suite = sandbox.app("suite").unwrap();
    let form = json!({
        "suite_id": suite.suite_id, "kind": suite.kind, "provider_corp_id": suite.corp_id,
        "secret": suite.secret, "token": suite.token, "encoding_aes_key": suite.encoding_aes_key,
        "api_url": connected.wecom.url(),
    });
    let url = connected.process.url("/api/v1/ingest/suites/suite");
    let (status, answer) = connected.outsider.put(&url, &form).await;
    assert_eq!(status, 200, "{answer}");
    connected.only_fails("suites", "no ticket yet", "刷新Ticket");

    sandbox.set_callback_url("suite", &connected.process.url("/callback/wecom/suite")).unwrap();
    let ticket = Event::new("suite", "suite_ticket", None).field("SuiteTicket", "ticket-1");
    assert_eq!(sandbox.happen(ticket).await.unwrap().status, Answer::Http(200));
    eventually("the ticket is taken in", || async { examine(connected.data.path()).0.then_some(()) }).await;
    let (_, checks) = examine(connected.data.path());
    assert_eq!(checks["suites"]["found"], "suite gets tickets and a token", "{checks:?}");
    let doors = checks["callback reachable"]["found"].as_str().unwrap();
    assert!(doors.contains("/callback/wecom/suite verifies and echoes"), "{doors}");

    let mut other = form.clone();
    other["secret"] = "another".into();
    let (status, answer) = connected.outsider.put(&url, &other).await;
    assert_eq!(status, 200, "{answer}");
    connected.only_fails("suites", "40080", "Secret of the suite");
    connected.finish().await;
}

#[tokio::test]
async fn a_callback_that_does_not_get_through_is_found() {
    let mut connected = Connected::start(Duration::ZERO).await;
    let file = connected.data.path().join("scrm.toml");
    fs::write(&file, "[ingest]\npublic_url = \"http://127.0.0.1:9\"\n").unwrap();
    connected.only_fails("callback reachable", "127.0.0.1:9/callback/wecom/demo", "DNS");
    // Something else answers there.
    fs::write(&file, format!("[ingest]\npublic_url = {:?}\n", connected.wecom.url())).unwrap();
    connected.only_fails("callback reachable", "answers 404", "this one");
    // Another installation answers there.
    let other = Connected::start(Duration::ZERO).await;
    fs::write(&file, format!("[ingest]\npublic_url = {:?}\n", other.process.url(""))).unwrap();
    other.connect(|body| body["token"] = "another".into()).await;
    connected.only_fails("callback reachable", "answers 403", "EncodingAESKey");
    fs::write(&file, format!("[ingest]\npublic_url = \"{}/\"\n", connected.process.url(""))).unwrap();
    assert!(examine(connected.data.path()).0);

    fs::remove_file(&file).unwrap();
    assert!(connected.process.terminate().success());
    let (is_well, checks) = examine(connected.data.path());
    assert!(is_well && checks["callback reachable"]["state"] == "skipped", "{checks:?}");
    other.finish().await;
    connected.finish().await;
}
