//! A person left their details with a lead source.

use std::sync::Arc;

use async_trait::async_trait;
use prost::Message as _;
use scrm_db::{Cause, Txn};
use scrm_kernel::{ExternalUserId, KeyRing, Sealed};
use scrm_mq::{Failure, StateHandler};
use scrm_proto::ingest::v1::{LeadSubmitted, LeadSubmittedPersonal, PERSONAL};
use scrm_proto::{BadEvent, Envelope, Event as _};

use crate::app::App;
use crate::domain::lead::Claim;
use crate::domain::submission::Submission;

/// Bytes of a blind index.
const INDEX_BYTES: usize = 32;

pub(super) struct OnLeadSubmitted {
    pub(super) app: Arc<App>,
    pub(super) keys: KeyRing,
}

#[async_trait]
impl StateHandler<LeadSubmitted> for OnLeadSubmitted {
    async fn handle(&self, txn: &Txn, event: LeadSubmitted, envelope: &Envelope) -> Result<(), Failure> {
        let sealed = Sealed::from_bytes(event.personal.clone());
        // A key that is missing now may be there later.
        let personal = self.keys.open(envelope.corp, PERSONAL, &sealed);
        let personal = personal.map_err(|error| Failure::Retry(format!("personal: {error}")))?;
        let personal = LeadSubmittedPersonal::decode(personal.as_slice())
            .map_err(|source| BadEvent::Undecodable { kind: LeadSubmitted::KIND, source })
            .map_err(|error| Failure::Reject(format!("personal: {error}")))?;
        let submission = submission_of(event, personal, envelope).map_err(Failure::Reject)?;
        self.app.capture_submission_in(txn, envelope.corp, &submission, &Cause::from(envelope)).await?;
        Ok(())
    }
}

fn submission_of(
    event: LeadSubmitted,
    personal: LeadSubmittedPersonal,
    envelope: &Envelope,
) -> Result<Submission, String> {
    // PostgreSQL keeps everything but a zero character.
    let text = |text: String| Some(text.replace('\0', "")).filter(|text| !text.is_empty());
    let person = text(event.external_user_id).map(|person| ExternalUserId::parse(&person)).transpose();
    if ![0, INDEX_BYTES].contains(&event.phone_index.len()) {
        return Err(format!("phone_index has {} bytes", event.phone_index.len()));
    }
    let received_at = envelope.received_at.unwrap_or(envelope.occurred_at);
    Ok(Submission {
        id: event.submission_id.parse().map_err(|error| format!("submission_id is {error}"))?,
        source: event.source.replace('\0', ""),
        source_name: event.source_name.replace('\0', ""),
        group: event.group.replace('\0', ""),
        name: text(event.name),
        channel: text(event.channel),
        region: text(event.region),
        product: text(event.product),
        remark: text(event.remark),
        person: person.map_err(|error| format!("external_user_id {error}"))?,
        union_id: text(event.unionid),
        phone_index: Some(hex::encode(&event.phone_index)).filter(|index| !index.is_empty()),
        phone: text(personal.phone),
        email: text(personal.email),
        answers: personal.answers,
        claim: Claim {
            occurred_at: envelope.occurred_at,
            received_seq: envelope.received_seq.unwrap_or(i64::MAX),
        },
        received_at,
    })
}
