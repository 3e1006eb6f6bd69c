//! What events say, in the service's own terms.

use scrm_kernel::time::from_millis;
use scrm_kernel::{ExternalUserId, Timestamp, WecomUserId};
use scrm_mq::Failure;
use scrm_proto::Envelope;

use crate::domain::standing::Fact;

/// Returns when an event happened, among others.
pub(super) fn fact_of(envelope: &Envelope) -> Fact {
    Fact { occurred_at: envelope.occurred_at, received_seq: envelope.received_seq.unwrap_or(i64::MAX) }
}

/// Returns the customer that an event names.
pub(super) fn person_of(text: &str) -> Result<ExternalUserId, Failure> {
    ExternalUserId::parse(text).map_err(|error| Failure::Reject(format!("external_user_id {error}")))
}

/// Returns the member whom an event names.
pub(super) fn member_of(text: &str) -> Result<WecomUserId, Failure> {
    WecomUserId::parse(text).map_err(|error| Failure::Reject(format!("user_id {error}")))
}

/// Returns untrusted text as it can be kept: PostgreSQL takes everything but a zero character.
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "")
}

/// Returns the moment that WeCom gives in seconds; 0 is none.
pub(super) fn moment(seconds: i64) -> Option<Timestamp> {
    (seconds > 0).then(|| from_millis(seconds.saturating_mul(1000)))
}
