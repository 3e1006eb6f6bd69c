//! Events as another service would publish them.

use scrm_kernel::{CorpId, MessageId, Timestamp};
use scrm_proto::{Envelope, Event};

/// Puts an event that happened at `occurred_at` into an envelope with a message id of its own.
///
/// Nothing says when or in which order it reached ingest; a test that needs it sets those fields.
pub fn envelope_of<E: Event>(corp: CorpId, occurred_at: Timestamp, event: &E) -> Envelope {
    Envelope {
        message_id: MessageId::mint(occurred_at),
        kind: E::KIND.to_owned(),
        corp,
        key: event.key().to_owned(),
        occurred_at,
        received_at: None,
        received_seq: None,
        traceparent: None,
        replay_of: None,
        attempt: 0,
        body: event.encode_to_vec().into(),
    }
}
