//! An envelope as the properties and headers of an AMQP message.

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use scrm_kernel::Timestamp;
use scrm_kernel::time::from_millis;
use scrm_proto::Envelope;

use crate::transport::LONGEST_TEXT;

const CORP_ID: &str = "corp-id";
const KEY: &str = "key";
const OCCURRED_AT: &str = "occurred-at";
const RECEIVED_AT: &str = "received-at";
const RECEIVED_SEQ: &str = "received-seq";
const TRACEPARENT: &str = "traceparent";
const REPLAY_OF: &str = "replay-of";
const ATTEMPT: &str = "attempt";
const REASON: &str = "reason";
/// What the broker writes when it gives a message up by itself.
const BROKERS_REASON: &str = "x-first-death-reason";

/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;
/// Bytes of a reason; it is for people.
const LONGEST_REASON: usize = 2000;

/// Returns the properties of a message that is published `now`; they keep the moment wherever it goes.
pub(super) fn properties_of(envelope: &Envelope, now: Timestamp) -> Result<BasicProperties, String> {
    let mut headers = FieldTable::default();
    let mut put = |name: &str, value| {
        headers.insert(name.into(), value);
    };
    put(CORP_ID, text(envelope.corp.to_string())?);
    put(KEY, text(envelope.key.clone())?);
    put(OCCURRED_AT, millis(envelope.occurred_at));
    put(ATTEMPT, AMQPValue::LongLongInt(envelope.attempt.into()));
    if let Some(moment) = envelope.received_at {
        put(RECEIVED_AT, millis(moment));
    }
    if let Some(place) = envelope.received_seq {
        put(RECEIVED_SEQ, AMQPValue::LongLongInt(place));
    }
    if let Some(context) = &envelope.traceparent {
        put(TRACEPARENT, text(context.clone())?);
    }
    if let Some(id) = envelope.replay_of {
        put(REPLAY_OF, text(id.to_string())?);
    }
    let kind = ShortString::try_new(envelope.kind.as_str()).map_err(|error| error.to_string())?;
    Ok(BasicProperties::default()
        .with_message_id(envelope.message_id.to_string().into())
        .with_type(kind)
        .with_content_type("application/protobuf".into())
        .with_delivery_mode(PERSISTENT)
        .with_timestamp(u64::try_from(now.timestamp()).unwrap_or_default())
        .with_headers(headers))
}

/// Returns when a message was published, in whole seconds.
pub(super) fn published_at(properties: &BasicProperties) -> Option<Timestamp> {
    let seconds = i64::try_from((*properties.timestamp())?).ok()?;
    Some(from_millis(seconds.saturating_mul(1000)))
}

/// Reads a message; an error says why it is none of ours.
pub(super) fn envelope_of(properties: &BasicProperties, body: Bytes) -> Result<Envelope, String> {
    let headers = Headers(properties.headers().as_ref());
    let id = properties.message_id().as_ref().ok_or("it has no message-id")?.as_str();
    let kind = properties.kind().as_ref().ok_or("it has no type")?.as_str();
    let missing = |name: &str| format!("it has no header {name}");
    let corp = headers.text(CORP_ID).ok_or_else(|| missing(CORP_ID))?;
    let replay_of =
        headers.text(REPLAY_OF).map(|id| id.parse().map_err(|error| format!("replay-of: {error}")));
    Ok(Envelope {
        message_id: id.parse().map_err(|error| format!("message-id: {error}"))?,
        kind: kind.to_owned(),
        corp: corp.parse().map_err(|error| format!("corp-id: {error}"))?,
        key: headers.text(KEY).ok_or_else(|| missing(KEY))?,
        occurred_at: from_millis(headers.number(OCCURRED_AT).ok_or_else(|| missing(OCCURRED_AT))?),
        received_at: headers.number(RECEIVED_AT).map(from_millis),
        received_seq: headers.number(RECEIVED_SEQ),
        traceparent: headers.text(TRACEPARENT),
        replay_of: replay_of.transpose()?,
        attempt: attempt_of(properties),
        body,
    })
}

/// Returns why a message failed the last time, or was given up.
pub(super) fn reason_of(properties: &BasicProperties) -> Option<String> {
    let headers = Headers(properties.headers().as_ref());
    headers.text(REASON).or_else(|| {
        headers
            .text(BROKERS_REASON)
            .filter(|reason| reason != "expired")
            .map(|reason| format!("broker: {reason}"))
    })
}

/// Returns the properties of a message for its next attempt.
pub(super) fn failed_again(properties: BasicProperties, reason: &str) -> BasicProperties {
    let attempts = attempt_of(&properties).saturating_add(1);
    explained(unchanged(properties), reason, Some(attempts))
}

/// Returns the properties of a message for the dead letters.
pub(super) fn dead(properties: BasicProperties, reason: &str) -> BasicProperties {
    explained(unchanged(properties), reason, None)
}

/// Returns the properties of a message that comes again as it was, without the broker's own notes on where it has been.
pub(super) fn unchanged(properties: BasicProperties) -> BasicProperties {
    let headers = properties.headers().clone().unwrap_or_default();
    let ours = headers.inner().iter().filter(|(name, _)| !name.as_str().starts_with("x-"));
    let mut headers = FieldTable::default();
    for (name, value) in ours {
        headers.insert(name.clone(), value.clone());
    }
    properties.with_headers(headers).with_delivery_mode(PERSISTENT)
}

fn explained(properties: BasicProperties, reason: &str, attempts: Option<u32>) -> BasicProperties {
    let mut headers = properties.headers().clone().unwrap_or_default();
    let end = reason.floor_char_boundary(LONGEST_REASON);
    headers.insert(REASON.into(), AMQPValue::LongString(reason[..end].into()));
    if let Some(attempts) = attempts {
        headers.insert(ATTEMPT.into(), AMQPValue::LongLongInt(attempts.into()));
    }
    properties.with_headers(headers)
}

fn attempt_of(properties: &BasicProperties) -> u32 {
    let attempt = Headers(properties.headers().as_ref()).number(ATTEMPT).unwrap_or_default();
    u32::try_from(attempt).unwrap_or_default()
}

struct Headers<'a>(Option<&'a FieldTable>);

impl Headers<'_> {
    fn get(&self, name: &str) -> Option<&AMQPValue> {
        self.0?.inner().get(name)
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok().map(str::to_owned),
            AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            AMQPValue::LongLongInt(number) => Some(*number),
            AMQPValue::LongInt(number) => Some((*number).into()),
            _ => None,
        }
    }
}

fn text(text: String) -> Result<AMQPValue, String> {
    if text.len() > LONGEST_TEXT {
        return Err(format!("a header of {} bytes is too long", text.len()));
    }
    Ok(AMQPValue::LongString(text.into()))
}

fn millis(moment: Timestamp) -> AMQPValue {
    AMQPValue::LongLongInt(moment.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use scrm_kernel::{CorpId, MessageId};

    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            message_id: MessageId::mint(from_millis(1)),
            kind: "test.v1.happened".to_owned(),
            corp: CorpId::mint(from_millis(2)),
            key: "客户".to_owned(),
            occurred_at: from_millis(3),
            received_at: Some(from_millis(4)),
            received_seq: Some(5),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            replay_of: Some(MessageId::mint(from_millis(6))),
            attempt: 7,
            body: vec![8, 9].into(),
        }
    }

    #[test]
    fn an_envelope_survives_the_journey() {
        let full = envelope();
        let bare = Envelope {
            received_at: None,
            received_seq: None,
            traceparent: None,
            replay_of: None,
            attempt: 0,
            ..envelope()
        };
        for envelope in [full, bare] {
            let properties = properties_of(&envelope, from_millis(9999)).unwrap();
            assert_eq!(envelope_of(&properties, envelope.body.clone()), Ok(envelope));
        }
    }

    #[test]
    fn a_failure_counts_and_is_explained() {
        let mut properties = properties_of(&envelope(), from_millis(9999)).unwrap();
        let mut headers = properties.headers().clone().unwrap();
        headers.insert("x-death".into(), AMQPValue::Boolean(true));
        properties = properties.with_headers(headers);
        let again = failed_again(properties, &"很".repeat(LONGEST_REASON));
        assert_eq!(envelope_of(&again, Bytes::new()).unwrap().attempt, 8);
        assert_eq!(reason_of(&again).unwrap().len(), 1998);
        assert!(!again.headers().as_ref().unwrap().contains_key("x-death"));
        let dead = dead(again, "enough");
        assert_eq!(published_at(&dead), Some(from_millis(9000)));
        assert_eq!(published_at(&BasicProperties::default()), None);
        assert_eq!(envelope_of(&dead, Bytes::new()).unwrap().attempt, 8);
        assert_eq!(reason_of(&dead).unwrap(), "enough");
    }

    #[test]
    fn what_is_no_message_of_ours_is_explained() {
        let nothing = envelope_of(&BasicProperties::default(), Bytes::new());
        assert_eq!(nothing, Err("it has no message-id".to_owned()));
        let no_id = properties_of(&envelope(), from_millis(9999)).unwrap().with_message_id("7".into());
        assert_eq!(envelope_of(&no_id, Bytes::new()), Err("message-id: not a UUID: \"7\"".to_owned()));
        let no_headers =
            properties_of(&envelope(), from_millis(9999)).unwrap().with_headers(FieldTable::default());
        assert_eq!(envelope_of(&no_headers, Bytes::new()), Err("it has no header corp-id".to_owned()));
    }

    #[test]
    fn what_does_not_fit_into_a_frame_is_refused() {
        assert!(properties_of(&Envelope { key: "k".repeat(200_000), ..envelope() }, from_millis(0)).is_err());
        assert!(properties_of(&Envelope { kind: "k".repeat(256), ..envelope() }, from_millis(0)).is_err());
    }
}
