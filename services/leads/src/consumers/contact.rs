//! What events about contacts have in common.

use scrm_kernel::wecom_id::BadWecomId;
use scrm_kernel::{ExternalUserId, WecomUserId};
use scrm_mq::Failure;
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::ContactAdded;

use crate::domain::lead::{Claim, Contact};

/// Returns the contact that an event tells of.
pub(super) fn contact_of(event: &ContactAdded, envelope: &Envelope) -> Result<Contact, Failure> {
    Ok(Contact {
        person: ExternalUserId::parse(&event.external_user_id)
            .map_err(|error| bad("external_user_id", &error))?,
        member: WecomUserId::parse(&event.user_id).map_err(|error| bad("user_id", &error))?,
        // Untrusted text; PostgreSQL keeps everything but a zero character.
        channel: Some(event.state.replace('\0', "")).filter(|state| !state.is_empty()),
        confirmed: !event.half,
        claim: claim_of(envelope),
        received_at: envelope.received_at.unwrap_or(envelope.occurred_at),
    })
}

/// Returns when an event happened, among others.
pub(super) fn claim_of(envelope: &Envelope) -> Claim {
    Claim { occurred_at: envelope.occurred_at, received_seq: envelope.received_seq.unwrap_or(i64::MAX) }
}

/// Rejects an event for a field of it.
pub(super) fn bad(field: &str, error: &BadWecomId) -> Failure {
    Failure::Reject(format!("{field} {error}"))
}
