//! Submissions as ingest publishes them, and groups as an administrator sets them up.

use prost::Message as _;
use scrm_kernel::time::from_millis;
use scrm_kernel::{ExternalUserId, SubmissionId};
use scrm_leads::domain::lead::Claim;
use scrm_leads::domain::submission::Submission;
use scrm_proto::Envelope;
use scrm_proto::ingest::v1::{LeadSubmitted, LeadSubmittedPersonal, PERSONAL};
use scrm_testing::envelope_of;
use serde_json::{Value, json};

use crate::support::TestLeads;

pub(crate) const GROUP: &str = "华东";

/// What a person left.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    pub(crate) phone: &'static str,
    pub(crate) union_id: &'static str,
    pub(crate) customer: &'static str,
    pub(crate) name: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) group: Option<&'static str>,
}

impl TestLeads {
    /// Returns the event of a form, received at a second of the test's time.
    pub(crate) fn form(&self, form: &Form, second: i64) -> Envelope {
        let received_at = from_millis(second * 1000);
        let personal = LeadSubmittedPersonal {
            phone: form.phone.to_owned(),
            email: "fang@example.com".to_owned(),
            answers: "{}".to_owned(),
        };
        let index = |phone: &str| self.keys.blind_index(self.corp, "phone", phone).as_bytes().to_vec();
        let event = LeadSubmitted {
            corp_id: self.corp.to_string(),
            submission_id: SubmissionId::mint(self.clock.now()).to_string(),
            source: "site".to_owned(),
            source_name: "官网表单".to_owned(),
            group: form.group.unwrap_or(GROUP).to_owned(),
            name: form.name.to_owned(),
            channel: form.channel.to_owned(),
            external_user_id: form.customer.to_owned(),
            unionid: form.union_id.to_owned(),
            phone_index: if form.phone.is_empty() { Vec::new() } else { index(form.phone) },
            personal: self.keys.seal(self.corp, PERSONAL, &personal.encode_to_vec()).into_bytes(),
            ..LeadSubmitted::default()
        };
        let envelope = envelope_of(self.corp, received_at, &event);
        Envelope { received_at: Some(received_at), received_seq: Some(second), ..envelope }
    }

    /// Returns the submission of somebody with a phone of their own, for calling the use case directly.
    pub(crate) fn submission(&self, number: usize, group: &str) -> Submission {
        let phone = format!("+86138{number:08}");
        let index = self.keys.blind_index(self.corp, "phone", &phone);
        let received_at = self.clock.now();
        Submission {
            id: SubmissionId::mint(received_at),
            source: "site".to_owned(),
            source_name: "官网表单".to_owned(),
            group: group.to_owned(),
            name: Some(format!("客户{number}")),
            channel: None,
            region: None,
            product: None,
            remark: None,
            person: None::<ExternalUserId>,
            union_id: None,
            phone_index: Some(hex::encode(index.as_bytes())),
            phone: Some(phone),
            email: None,
            answers: "{}".to_owned(),
            claim: Claim { occurred_at: received_at, received_seq: i64::try_from(number).unwrap() },
            received_at,
        }
    }

    /// Sets up a group.
    pub(crate) async fn group(&self, name: &str, form: Value) -> Value {
        let (status, group) = self.admin().put(&format!("/api/v1/leads/groups/{name}"), &form).await;
        assert_eq!(status, 200, "{group}");
        group
    }

    /// Sets up the usual group: the members in turn.
    pub(crate) async fn round_robin(&self, members: &[&str]) -> Value {
        let members: Vec<_> = members.iter().map(|member| json!({"user_id": member})).collect();
        self.group(GROUP, json!({"strategy": "round_robin", "members": members})).await
    }

    /// Returns all leads, oldest first.
    pub(crate) async fn all_leads(&self) -> Vec<Value> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let (status, page) = self.admin().get(&format!("/api/v1/leads/leads?limit=200{cursor}")).await;
            assert_eq!(status, 200, "{page}");
            found.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        found.reverse();
        found
    }
}

/// Returns who owns a lead.
pub(crate) fn owner(lead: &Value) -> &str {
    lead["owner"]["user_id"].as_str().unwrap_or("nobody")
}
