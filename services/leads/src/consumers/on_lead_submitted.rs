//! A person left their details with a lead source.

use std::collections::HashSet;
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
use crate::domain::submission::{Mark, Submission};

/// Bytes of a blind index.
const INDEX_BYTES: usize = 32;

pub(super) struct OnLeadSubmitted {
    pub(super) app: Arc<App>,
    pub(super) keys: KeyRing,
}

#[async_trait]
impl StateHandler<LeadSubmitted> for OnLeadSubmitted {
    async fn handle(&self, txn: &Txn, event: LeadSubmitted, envelope: &Envelope) -> Result<(), Failure> {
        let submission = self.read(event, envelope)?;
        self.app.capture_submission_in(txn, envelope.corp, &submission, &Cause::from(envelope)).await?;
        Ok(())
    }

    const HANDLES_AT_ONCE: bool = true;

    async fn handle_at_once(
        &self,
        txn: &Txn,
        events: &[(LeadSubmitted, &Envelope)],
    ) -> Result<Vec<bool>, Failure> {
        let mut are_handled = vec![false; events.len()];
        let Some((LeadSubmitted { group, .. }, Envelope { corp, .. })) = events.first() else {
            return Ok(are_handled);
        };
        // Of each person the first submission only: whether there is a lead then, the others have to see.
        let (mut people, mut places, mut told) = (HashSet::new(), Vec::new(), Vec::new());
        for (place, (event, envelope)) in events.iter().enumerate() {
            let Ok(submission) = self.read(event.clone(), envelope) else { continue };
            let marks = submission.marks();
            let unseen = marks.iter().filter(|mark| people.insert(Mark::clone(mark))).count();
            if unseen == marks.len() && event.group == *group && envelope.corp == *corp {
                places.push(place);
                told.push((submission, Cause::from(*envelope)));
            }
        }
        let are_new = self.app.capture_new_submissions_in(txn, *corp, &told).await?;
        for (place, is_new) in places.into_iter().zip(are_new) {
            are_handled[place] = is_new;
        }
        Ok(are_handled)
    }
}

impl OnLeadSubmitted {
    fn read(&self, event: LeadSubmitted, envelope: &Envelope) -> Result<Submission, Failure> {
        let sealed = Sealed::from_bytes(event.personal.clone());
        // A key that is missing now may be there later.
        let personal = self.keys.open(envelope.corp, PERSONAL, &sealed);
        let personal = personal.map_err(|error| Failure::Retry(format!("personal: {error}")))?;
        let personal = LeadSubmittedPersonal::decode(personal.as_slice())
            .map_err(|source| BadEvent::Undecodable { kind: LeadSubmitted::KIND, source })
            .map_err(|error| Failure::Reject(format!("personal: {error}")))?;
        submission_of(event, personal, envelope).map_err(Failure::Reject)
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
