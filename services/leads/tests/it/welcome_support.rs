//! A service connected to a WeCom where customers come and go and are greeted.

use std::time::Duration;

use reqwest::Method;
use scrm_proto::Envelope;
use scrm_testing::{TestWecom, eventually};
use serde_json::{Value, json};

use crate::support::{Contact, TestLeads};

pub(crate) const GREETINGS: &str = "/api/v1/leads/greetings";
pub(crate) const SEND: &str = "externalcontact/send_welcome_msg";

/// A service connected to a WeCom where customers come and go.
pub(crate) struct Greeted {
    pub(crate) leads: TestLeads,
    pub(crate) wecom: TestWecom,
}

impl Greeted {
    pub(crate) async fn start(text: &str) -> Self {
        let wecom = TestWecom::start(scrm_testing::clock());
        let leads = TestLeads::with_wecom(&wecom).await;
        let (status, body) = leads.admin().put(GREETINGS, &json!({"text": text})).await;
        assert_eq!(status, 200, "{body}");
        Self { leads, wecom }
    }

    pub(crate) fn member(&self) -> String {
        self.wecom.sandbox.app("demo").unwrap().staff[0].clone()
    }

    /// Makes a customer add the first member in WeCom; returns the contact as ingest would tell it.
    pub(crate) async fn arrives(&self, customer: &str, code: &str, seq: i64) -> Contact {
        let member = self.member();
        let event = json!({
            "app": "demo", "type": "add_external_contact",
            "fields": {"UserID": member, "ExternalUserID": customer, "WelcomeCode": code, "State": "spring-fair"},
        });
        let (status, body) = self.wecom.control(Method::POST, "/_control/events", &event).await;
        assert_eq!(status, 200, "{body}");
        let second = self.leads.clock.now().timestamp();
        let mut contact = self.leads.contact(&member, customer, second, seq);
        code.clone_into(&mut contact.event.welcome_code);
        contact
    }

    /// Lets the service hear of contacts, while time goes on.
    pub(crate) async fn hear(&self, told: impl IntoIterator<Item = Envelope>) {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        let time_goes_on = async {
            loop {
                ticks.tick().await;
                self.leads.clock.advance(Duration::from_millis(20));
            }
        };
        tokio::select! {
            () = self.leads.hear(told) => {}
            () = time_goes_on => {}
        }
    }

    /// Makes something go wrong with the sending of welcome messages.
    pub(crate) async fn fault(&self, fault: Value) {
        self.faults(json!({"api": {SEND: fault}})).await;
    }

    pub(crate) async fn faults(&self, faults: Value) {
        let (status, body) = self.wecom.control(Method::PUT, "/_control/faults", &faults).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Returns state and moment of a lead's welcome message once it has come to an end.
    pub(crate) async fn outcome_of(&self, customer: &str) -> String {
        let what = format!("an end of the welcome of {customer}");
        eventually(&what, async || {
            let lead = self.leads.lead_of(customer).await;
            let state = lead["welcome"]["state"].as_str().unwrap().to_owned();
            (!["none", "wanted", "calling"].contains(&state.as_str())).then_some(state)
        })
        .await
    }

    /// Returns the errcodes that WeCom answered to welcome messages, in order.
    pub(crate) fn answers(&self) -> Vec<i64> {
        self.wecom.calls(SEND).iter().map(|(_, answer)| answer["errcode"].as_i64().unwrap()).collect()
    }

    pub(crate) async fn finish(self) {
        self.leads.finish().await;
        self.wecom.finish().await;
    }
}
