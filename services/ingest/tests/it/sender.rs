//! Another system of the enterprise, as it sends leads.

use std::time::Duration;

use aws_lc_rs::hmac;
use scrm_kernel::Timestamp;
use scrm_testing::Reply;
use serde_json::{Value, json};

use crate::support::TestIngest;

const PATIENCE: Duration = Duration::from_secs(10);

/// A lead source that is set up, and its secret.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) source: String,
    pub(crate) secret: String,
    url: String,
    http: reqwest::Client,
}

/// A webhook ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Hook {
    /// Replaces a header.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Takes a header away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }
}

impl TestIngest {
    /// Sets up a source whose mapping is the usual one.
    pub(crate) async fn sender(&self, source: &str) -> Sender {
        self.sender_with(source, json!({"name": "官网表单", "group": "华东"})).await
    }

    /// Sets up a source as an administrator types it in.
    pub(crate) async fn sender_with(&self, source: &str, form: Value) -> Sender {
        let (status, answer) =
            self.admin().put(&format!("/api/v1/ingest/lead-sources/{source}"), &form).await;
        assert_eq!(status, 200, "{answer}");
        let secret = answer["secret"].as_str().or(form["secret"].as_str()).unwrap().to_owned();
        self.known_sender(source, &secret)
    }

    /// Returns a sender that has a secret, right or wrong.
    pub(crate) fn known_sender(&self, source: &str, secret: &str) -> Sender {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let url = format!("http://{}/hooks/leads/{source}", self.server.address());
        Sender { source: source.to_owned(), secret: secret.to_owned(), url, http }
    }
}

impl Sender {
    /// Returns the same sender, sending to another process.
    pub(crate) fn at(self, url: String) -> Self {
        Self { url, ..self }
    }

    /// Signs a body at a moment.
    pub(crate) fn hook(&self, at: Timestamp, id: &str, body: impl AsRef<[u8]>) -> Hook {
        let (second, body) = (at.timestamp().to_string(), body.as_ref().to_vec());
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        let signed = [second.as_bytes(), b".", &body].concat();
        let signature = format!("v1={}", hex::encode(hmac::sign(&key, &signed)));
        let headers =
            vec![("X-Scrm-Timestamp", second), ("X-Scrm-Signature", signature), ("X-Scrm-Id", id.to_owned())];
        Hook { headers, body }
    }

    /// Sends a webhook.
    pub(crate) async fn send(&self, hook: &Hook) -> Reply {
        let mut request = self.http.post(&self.url).body(hook.body.clone());
        for (name, value) in &hook.headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// Sends a webhook that must be taken in; returns our id of it.
    pub(crate) async fn submit(&self, hook: &Hook) -> String {
        let reply = self.send(hook).await;
        assert_eq!(reply.status, 202, "{}", reply.json());
        reply.json()["id"].as_str().unwrap().to_owned()
    }
}
