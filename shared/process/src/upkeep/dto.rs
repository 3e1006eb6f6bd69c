//! What goes in and comes out, as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scrm_http::Moment;
use scrm_kernel::{Cursor, DeadLetterId, MessageId, Page, Timestamp};
use scrm_mq::keeper::DeadLetter;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Which dead letters are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct DeadLettersIn {
    /// `waiting`, `redriving`, `redriven` or `discarded`; all when absent.
    pub(super) state: Option<String>,
    /// The queue whose consumer gave them up; all when absent.
    pub(super) queue: Option<String>,
    /// 1 to 200, 50 when absent.
    pub(super) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// Why a dead letter is given up for good.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DiscardIn {
    /// 1 to 500 letters.
    pub(super) reason: String,
}

/// Which dead letters are redriven together: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RedriveIn {
    /// The oldest thousand of this queue.
    pub(super) queue: Option<String>,
    /// Those with these ids, at most a thousand.
    pub(super) ids: Option<Vec<DeadLetterId>>,
}

/// How many dead letters are on their way back.
#[derive(Serialize, ToSchema)]
pub(super) struct RedrivenOut {
    pub(super) redriven: u64,
}

/// Since when everything is sent again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RepublishIn {
    /// At most 7 days ago.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    pub(super) since: Timestamp,
}

/// How many events are sent again.
#[derive(Serialize, ToSchema)]
pub(super) struct RepublishedOut {
    pub(super) republished: u64,
}

/// An event that a consumer gave up.
#[derive(Serialize, ToSchema)]
pub(super) struct DeadLetterOut {
    id: DeadLetterId,
    version: i64,
    /// `waiting`, `redriving`, `redriven` or `discarded`.
    state: &'static str,
    /// The queue whose consumer gave it up; of a callback that cannot be read `ingest.callback`.
    queue: String,
    message_id: MessageId,
    /// The kind of event; null for what has no envelope.
    kind: Option<String>,
    /// The person or thing that it is about.
    key: Option<String>,
    /// Why it was given up.
    reason: String,
    /// How often handling it had failed before the last time.
    attempts: i32,
    /// How often it was given up: once more after each time that it was redriven in vain.
    deaths: i32,
    occurred_at: Option<Moment>,
    received_at: Option<Moment>,
    died_at: Moment,
    resolved_at: Option<Moment>,
    resolved_by: Option<String>,
    /// Why it was discarded.
    resolved_reason: Option<String>,
}

impl From<DeadLetter> for DeadLetterOut {
    fn from(letter: DeadLetter) -> Self {
        let readable = |text: String| Some(text).filter(|_| letter.is_readable);
        Self {
            id: letter.id,
            version: letter.version,
            state: letter.state.as_str(),
            queue: letter.queue,
            message_id: letter.message_id,
            kind: readable(letter.kind),
            key: readable(letter.key),
            reason: letter.reason,
            attempts: letter.attempts,
            deaths: letter.deaths,
            occurred_at: letter.occurred_at.map(Moment::from),
            received_at: letter.received_at.map(Moment::from),
            died_at: letter.died_at.into(),
            resolved_at: letter.resolved_at.map(Moment::from),
            resolved_by: letter.resolved_by,
            resolved_reason: letter.resolved_reason,
        }
    }
}

/// An event that a consumer gave up, with its body.
#[derive(Serialize, ToSchema)]
pub(super) struct DeadLetterDetailOut {
    #[serde(flatten)]
    letter: DeadLetterOut,
    /// The envelope; null for what has none.
    #[schema(value_type = Object)]
    envelope: Option<Value>,
    /// In base64: the event as protobuf of its `kind`, or the callback as WeCom sent it. Null if it may be anybody's.
    body: Option<String>,
}

impl DeadLetterDetailOut {
    pub(super) fn of(letter: DeadLetter, body: Option<Vec<u8>>) -> Self {
        let envelope = if letter.is_readable { serde_json::from_str(&letter.head).ok() } else { None };
        Self { letter: letter.into(), envelope, body: body.map(|body| STANDARD.encode(body)) }
    }
}

/// A page of dead letters.
#[derive(Serialize, ToSchema)]
pub(super) struct DeadLettersOut {
    items: Vec<DeadLetterOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<DeadLetter>> for DeadLettersOut {
    fn from(page: Page<DeadLetter>) -> Self {
        let Page { items, next_cursor } = page.map(DeadLetterOut::from);
        Self { items, next_cursor }
    }
}
