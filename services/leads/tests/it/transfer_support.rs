//! Leads in a simulated WeCom, and what administrators do with them.

use std::time::Duration;

use reqwest::Method;
use scrm_mq::topology::LEADS_TRANSFER;
use scrm_proto::leads::v1::TransferRequested;
use scrm_testing::{APP, Reply, TestWecom, eventually_within};
use scrm_wecom::client::Client as WecomClient;
use serde_json::{Value, json};

use crate::support::TestLeads;

/// What transfers are asked for with.
pub(crate) const TRANSFER: &str = "externalcontact/transfer_customer";
/// What they are looked for with.
pub(crate) const RESULT: &str = "externalcontact/transfer_result";
/// Longer than the first rung of RabbitMQ's ladder, which waits by its own clock.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// The service, a WeCom, and three members of the staff.
pub(crate) struct Office {
    pub(crate) leads: TestLeads,
    pub(crate) wecom: TestWecom,
    pub(crate) staff: Vec<String>,
}

impl Office {
    pub(crate) async fn open() -> Self {
        let wecom = TestWecom::start(scrm_testing::clock());
        let leads = TestLeads::with_wecom(&wecom).await;
        Self::of(wecom, leads)
    }

    /// Opens with a client of the test's own.
    pub(crate) async fn speaking(wecom: TestWecom, client: WecomClient) -> Self {
        let leads = TestLeads::speaking(wecom.clock(), client).await;
        Self::of(wecom, leads)
    }

    /// Opens in an enterprise that is not connected to WeCom.
    pub(crate) async fn without_wecom(wecom: TestWecom) -> Self {
        let leads = TestLeads::without_wecom().await;
        Self::of(wecom, leads)
    }

    fn of(wecom: TestWecom, leads: TestLeads) -> Self {
        let app = wecom.sandbox.app(APP).unwrap();
        let staff = app.staff.iter().take(3).map(ToString::to_string).collect();
        Self { leads, wecom, staff }
    }

    /// Lets a customer add a member, and tells the service; returns the lead's id.
    pub(crate) async fn captured(&self, member: usize, customer: &str) -> String {
        self.befriend(member, customer).await;
        self.hear(member, customer, 1).await;
        self.leads.lead_of(customer).await["id"].as_str().unwrap().to_owned()
    }

    /// Lets a customer add a member, and tells nobody.
    pub(crate) async fn befriend(&self, member: usize, customer: &str) {
        let fields = json!({"UserID": self.staff[member], "ExternalUserID": customer});
        let event = json!({"app": APP, "type": "add_external_contact", "fields": fields});
        let (status, answer) = self.wecom.control(Method::POST, "/_control/events", &event).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Tells the service that a customer added a member just now.
    pub(crate) async fn hear(&self, member: usize, customer: &str, seq: i64) {
        let second = self.leads.clock.now().timestamp();
        self.leads.hear([self.leads.contact(&self.staff[member], customer, second, seq).told()]).await;
    }

    pub(crate) async fn set(&self, what: &str, value: Value) {
        let (status, answer) = self.wecom.control(Method::PUT, &format!("/_control/{what}"), &value).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Gives a lead to a member, from a version of it.
    pub(crate) async fn reassign(&self, lead: &str, to: usize, version: i64) -> Reply {
        self.decide(lead, version, None, &json!({"user_id": self.staff[to]})).await
    }

    pub(crate) async fn decide(&self, lead: &str, version: i64, key: Option<&str>, body: &Value) -> Reply {
        let admin = self.leads.admin().sending("application/json");
        let admin = admin.with_header("if-match", format!("\"{version}\""));
        let admin = key.iter().fold(admin, |admin, key| admin.with_header("idempotency-key", *key));
        let path = format!("/api/v1/leads/leads/{lead}/reassign");
        admin.send(Method::POST, &path, body.to_string()).await
    }

    pub(crate) async fn transfers(&self, lead: &str) -> Vec<Value> {
        let (status, page) = self.leads.admin().get(&format!("/api/v1/leads/leads/{lead}/transfers")).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().clone()
    }

    /// Waits until the newest transfer of a lead is in a state, while the clock goes on by `tick` at each look.
    pub(crate) async fn transfer_in(&self, lead: &str, state: &str, tick: Duration) -> Value {
        eventually_within(PATIENCE, &format!("a transfer that is {state}"), async || {
            let newest = self.transfers(lead).await.into_iter().next()?;
            if newest["state"] == state {
                return Some(newest);
            }
            self.leads.clock.advance(tick);
            None
        })
        .await
    }

    /// Counts the requests for transfers that were published.
    pub(crate) fn requested(&self) -> usize {
        self.leads.broker.published::<TransferRequested>().len()
    }

    pub(crate) async fn finish(self) {
        assert!(self.leads.broker.dead_letters(&LEADS_TRANSFER, 0).await.is_empty());
        self.leads.finish().await;
        self.wecom.finish().await;
    }
}
