//! What travels between services: a body, and the facts that every consumer needs without reading it.

use bytes::Bytes;
use scrm_kernel::{CorpId, MessageId, Timestamp};
use serde::{Deserialize, Serialize};

/// An event of a contract.
pub trait Event: prost::Message + Default + Clone + Send + Sync + 'static {
    /// The routing key: `subject.version.what_happened`.
    const KIND: &'static str;

    /// The corp, as the body names it.
    fn corp_id(&self) -> &str;

    /// What events must stay in order with each other: the person, lead or conversation.
    fn key(&self) -> &str;
}

/// Why a message is not the event it says it is.
#[derive(Debug, thiserror::Error)]
pub enum BadEvent {
    /// The body is no such protobuf message.
    #[error("body is not a {kind}")]
    Undecodable {
        /// The kind announced by the envelope.
        kind: &'static str,
        /// What prost says.
        #[source]
        source: prost::DecodeError,
    },
    /// Envelope and body name different corps: a forged or mixed-up message.
    #[error("envelope names corp {envelope}, body names {body:?}")]
    ForeignCorp {
        /// The corp of the envelope.
        envelope: CorpId,
        /// The corp of the body.
        body: String,
    },
}

/// A message as it is stored in an outbox, sent by a broker and handed to a consumer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The same however often the message is sent; what the inbox remembers.
    pub message_id: MessageId,
    /// The routing key.
    pub kind: String,
    /// The tenant.
    pub corp: CorpId,
    /// See [`Event::key`].
    pub key: String,
    /// When it happened, by the clock of whoever saw it (WeCom's, to the second).
    pub occurred_at: Timestamp,
    /// When the outside event behind it reached ingest.
    pub received_at: Option<Timestamp>,
    /// The place of that outside event in ingest's order of arrival.
    pub received_seq: Option<i64>,
    /// W3C trace context of whoever published it.
    pub traceparent: Option<String>,
    /// The message that this one repeats, when an administrator replayed it.
    pub replay_of: Option<MessageId>,
    /// How often handling it has failed so far.
    pub attempt: u32,
    /// The event, as protobuf.
    #[serde(skip)]
    pub body: Bytes,
}

impl Envelope {
    /// Decodes the body and checks that it belongs to the corp of the envelope.
    pub fn open<E: Event>(&self) -> Result<E, BadEvent> {
        let event =
            E::decode(self.body.clone()).map_err(|source| BadEvent::Undecodable { kind: E::KIND, source })?;
        if event.corp_id() == self.corp.to_string() {
            Ok(event)
        } else {
            Err(BadEvent::ForeignCorp { envelope: self.corp, body: event.corp_id().to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use scrm_kernel::time::from_millis;

    use super::*;
    use crate::leads::v1::LeadAssigned;

    fn envelope(corp: CorpId, body: Vec<u8>) -> Envelope {
        Envelope {
            message_id: MessageId::mint(from_millis(1)),
            kind: LeadAssigned::KIND.to_owned(),
            corp,
            key: "k".to_owned(),
            occurred_at: from_millis(1),
            received_at: None,
            received_seq: None,
            traceparent: None,
            replay_of: None,
            attempt: 0,
            body: body.into(),
        }
    }

    #[test]
    fn a_body_of_another_corp_is_refused() {
        let (ours, theirs) = (CorpId::mint(from_millis(1)), CorpId::mint(from_millis(1)));
        let event = LeadAssigned { corp_id: theirs.to_string(), ..LeadAssigned::default() };
        let error = envelope(ours, event.encode_to_vec()).open::<LeadAssigned>().unwrap_err();
        assert!(matches!(error, BadEvent::ForeignCorp { .. }), "{error}");
        assert!(envelope(theirs, event.encode_to_vec()).open::<LeadAssigned>().is_ok());
    }

    #[test]
    fn a_body_that_is_no_protobuf_is_refused() {
        let corp = CorpId::mint(from_millis(1));
        let error = envelope(corp, vec![0xff; 9]).open::<LeadAssigned>().unwrap_err();
        assert!(matches!(error, BadEvent::Undecodable { .. }), "{error}");
    }
}
