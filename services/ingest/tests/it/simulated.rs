//! The service connected to a simulated WeCom that calls it back.

use reqwest::Method;
use scrm_proto::{Envelope, Event};
use scrm_testing::{TestWecom, eventually};
use serde_json::{Value, json};

use crate::support::TestIngest;

/// Both sides. Nobody arrives by themselves.
pub(crate) struct Simulated {
    pub(crate) ingest: TestIngest,
    pub(crate) wecom: TestWecom,
    /// Members of the company.
    pub(crate) staff: Vec<String>,
}

impl Simulated {
    pub(crate) async fn start() -> Self {
        Self::connected_to(TestWecom::start(scrm_testing::clock())).await
    }

    /// Connects a company that may have customers already.
    pub(crate) async fn connected_to(wecom: TestWecom) -> Self {
        let ingest = TestIngest::with_wecom(&wecom).await;
        let app = wecom.sandbox.app("demo").unwrap();
        let connection = json!({
            "wecom_corp_id": app.corp_id, "kind": "self_built", "agent_id": app.agent_id, "secret": app.secret,
            "token": app.token, "encoding_aes_key": app.encoding_aes_key, "api_url": wecom.url(),
        });
        let (status, body) = ingest.admin().put("/api/v1/ingest/apps/demo", &connection).await;
        assert_eq!(status, 200, "{body}");
        let url = format!("http://{}/callback/wecom/demo", ingest.server.address());
        wecom.sandbox.set_callback_url("demo", &url).unwrap();
        Self { ingest, wecom, staff: app.staff }
    }

    /// Lets something happen, which WeCom tells; returns when it is told.
    pub(crate) async fn happens(&self, kind: &str, fields: &Value) {
        self.events(&json!({"app": "demo", "type": kind, "fields": fields})).await;
    }

    /// Sends events as the control interface takes them.
    pub(crate) async fn events(&self, events: &Value) {
        let (status, body) = self.wecom.control(Method::POST, "/_control/events", events).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Lets calls or callbacks go wrong from now on.
    pub(crate) async fn faults(&self, faults: &Value) {
        let (status, body) = self.wecom.control(Method::PUT, "/_control/faults", faults).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Lets a customer add a member; WeCom tells of it.
    pub(crate) async fn add(&self, member: &str, customer: &str) {
        let fields = json!({"UserID": member, "ExternalUserID": customer, "State": "spring-fair"});
        self.happens("add_external_contact", &fields).await;
    }

    /// Waits for an event that looks like it should; returns it.
    pub(crate) async fn told<E: Event>(&self, what: &str, is_it: impl Fn(&E) -> bool) -> (Envelope, E) {
        eventually(what, async || {
            self.ingest.broker.published::<E>().into_iter().find(|(_, event)| is_it(event))
        })
        .await
    }

    /// Waits until so many events of a kind are out; returns them all.
    pub(crate) async fn told_times<E: Event>(&self, times: usize) -> Vec<(Envelope, E)> {
        eventually(&format!("{times} times {}", E::KIND), async || {
            Some(self.ingest.broker.published::<E>()).filter(|events| events.len() >= times)
        })
        .await
    }

    pub(crate) async fn finish(self) {
        self.ingest.finish().await;
        self.wecom.finish().await;
    }
}
