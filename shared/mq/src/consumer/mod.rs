//! Consumers: the loops around handlers, and what both kinds of them share.

mod effect;
mod readable;
mod state;
mod together;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use scrm_db::Txn;
use scrm_proto::Envelope;
use sea_orm::DbErr;
use tracing::Span;

use crate::delivery::Settlement;
use crate::topology::Queue;

pub use effect::{Claim, EffectHandler, Effects, Next};
pub use readable::Readable;
pub use state::{Consumer, StateHandler};

/// Messages settled, by queue and outcome.
const MESSAGES: &str = "scrm_messages_total";
/// How long handling took, by queue; without the commit that a message shares with others.
const MESSAGE_TIME: &str = "scrm_message_seconds";
/// How long to wait for a database that is down.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a message was not handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It may work later.
    Retry(String),
    /// It will never work.
    Reject(String),
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        Self::Retry(error.to_string())
    }
}

impl Failure {
    /// Returns what it means for a message of `queue` that failed so often before.
    fn settlement(self, queue: &Queue, failures: u32) -> Settlement {
        match self {
            Self::Reject(reason) => Settlement::Dead { reason },
            Self::Retry(reason) => match queue.ladder.wait_after(failures) {
                Some(after) => Settlement::Retry { after, reason },
                None => Settlement::Dead { reason },
            },
        }
    }

    fn text(self) -> String {
        match self {
            Self::Retry(reason) | Self::Reject(reason) => reason,
        }
    }
}

/// Does an author's work; a panic is a failure.
async fn caught<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    outcome.unwrap_or_else(|panic| Err(Failure::Retry(panic_text(panic.as_ref()))))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", text.unwrap_or("no message"))
}

/// Returns what came of an author's work in a transaction, as far as that can still be committed.
///
/// An error means that the transaction is of no use any more; the work itself may succeed in another one.
fn ended<T>(txn: &Txn, outcome: Result<T, Failure>) -> Result<Result<T, Failure>, DbErr> {
    if txn.is_interrupted() {
        let reason = outcome.err().map_or_else(|| "a statement was interrupted".to_owned(), Failure::text);
        return Err(DbErr::Custom(reason));
    }
    if outcome.is_ok() && !txn.is_intact() {
        return Ok(Err(Failure::Retry("a statement failed, and the handler did not take notice".to_owned())));
    }
    Ok(outcome)
}

/// Returns the handling of a message as a step of its trace.
fn step_of(queue: &'static str, envelope: &Envelope) -> Span {
    let step = tracing::trace_span!(
        target: scrm_telemetry::TARGET, "handle",
        otel.kind = "consumer", otel.name = format!("handle {queue}"), messaging.destination.name = queue,
        messaging.message.id = %envelope.message_id, event.kind = envelope.kind,
    );
    scrm_telemetry::follow(&step, envelope.traceparent.as_deref());
    step
}

fn log(queue: &'static str, envelope: &Envelope, settlement: &Settlement, time: Duration) {
    let (kind, id, ms) = (envelope.kind.as_str(), envelope.message_id, time.as_millis());
    metrics::counter!(MESSAGES, "queue" => queue, "outcome" => outcome_of(settlement)).increment(1);
    metrics::histogram!(MESSAGE_TIME, "queue" => queue).record(time);
    match settlement {
        Settlement::Done | Settlement::Release | Settlement::Wait { .. } => {
            tracing::debug!(queue, kind, message.id = %id, ms, ?settlement, "{queue} handled {kind}");
        }
        Settlement::Retry { after, reason } => tracing::warn!(
            queue, kind, message.id = %id, ms, reason, "{queue} failed on {kind}, again in {after:?}"
        ),
        Settlement::Dead { reason } => tracing::error!(
            queue, kind, message.id = %id, ms, reason, "{queue} gave up {kind}; it is a dead letter"
        ),
    }
}

const fn outcome_of(settlement: &Settlement) -> &'static str {
    match settlement {
        Settlement::Done => "done",
        Settlement::Retry { .. } => "retry",
        Settlement::Dead { .. } => "dead",
        Settlement::Wait { .. } => "waiting",
        Settlement::Release => "released",
    }
}
