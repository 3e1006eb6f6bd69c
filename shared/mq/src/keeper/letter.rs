//! A dead letter, and what may become of it.

use scrm_kernel::{CorpId, DeadLetterId, MessageId, Timestamp};
use sea_orm::DbErr;

/// What was decided about a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing yet.
    Waiting,
    /// It shall go back into its queue, and is not yet there for certain.
    Redriving,
    /// It is back in its queue.
    Redriven,
    /// It is given up for good.
    Discarded,
}

impl State {
    const ALL: [Self; 4] = [Self::Waiting, Self::Redriving, Self::Redriven, Self::Discarded];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Redriving => "redriving",
            Self::Redriven => "redriven",
            Self::Discarded => "discarded",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A dead letter, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its place in the order in which letters were kept.
    pub seq: i64,
    /// Ours.
    pub id: DeadLetterId,
    /// The queue whose consumer gave it up; what came from [outside](Outside), where it arrived.
    pub queue: String,
    /// The message; of one that is no message of ours, a name made of its content.
    pub message_id: MessageId,
    /// The envelope as JSON; of a message that has none, what stands in its place.
    pub head: String,
    /// Whether there is an envelope. Without one it can only be discarded here.
    pub is_readable: bool,
    /// The kind of event; empty without an envelope, like what follows.
    pub kind: String,
    /// See [`Event::key`](scrm_proto::Event::key).
    pub key: String,
    /// When it happened.
    pub occurred_at: Option<Timestamp>,
    /// When the outside event behind it reached ingest.
    pub received_at: Option<Timestamp>,
    /// The place of that outside event in ingest's order of arrival.
    pub received_seq: Option<i64>,
    /// How often handling it had failed before the last time.
    pub attempts: i32,
    /// How often it died: once more after each time that it was redriven in vain.
    pub deaths: i32,
    /// Why it was given up the last time.
    pub reason: String,
    /// When it came here from the broker, moments after it was given up.
    pub died_at: Timestamp,
    /// What was decided.
    pub state: State,
    /// Changes with every change of the letter.
    pub version: i64,
    /// When it was decided.
    pub resolved_at: Option<Timestamp>,
    /// Who decided.
    pub resolved_by: Option<String>,
    /// Why it was discarded.
    pub resolved_reason: Option<String>,
}

/// What a service took in from outside and cannot read: it is in no queue, and waits for a decision like a dead message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside<'a> {
    /// Whose it is.
    pub corp: CorpId,
    /// Names it among all that came there.
    pub id: MessageId,
    /// What it is, as text for people.
    pub head: String,
    /// All of it.
    pub body: &'a [u8],
    /// Why it cannot be read.
    pub problem: &'a str,
    /// When it came.
    pub received_at: Timestamp,
    /// Its place in the order of arrival.
    pub received_seq: i64,
}

/// Which letters are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In this state only.
    pub state: Option<State>,
    /// Of this queue only.
    pub queue: Option<String>,
}

/// Why nothing is done with a letter.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is none, or it belongs to another enterprise.
    #[error("there is no dead letter {0}")]
    NotFound(DeadLetterId),
    /// Something was decided about it before.
    #[error("the dead letter is {} already", .0.as_str())]
    Decided(State),
    /// It has no envelope, so nobody could handle it.
    #[error("the dead letter has no envelope: it can only be discarded")]
    Unreadable,
    /// The database failed.
    #[error("database failed")]
    Database(#[from] DbErr),
}
