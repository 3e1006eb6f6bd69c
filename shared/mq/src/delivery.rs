//! What a broker hands out, and what it is told about it.

use std::time::Duration;

use bytes::Bytes;
use scrm_proto::Envelope;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What a consumer decided about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Handled: it may go.
    Done,
    /// Failed: it comes again after a while, with one more attempt on its count.
    Retry {
        /// How long it waits.
        after: Duration,
        /// Why it failed.
        reason: String,
    },
    /// Not its turn: it comes again after a while, as it was.
    Wait {
        /// How long it waits. RabbitMQ has rungs only: it takes the longest that is no longer than this, or the
        /// shortest.
        after: Duration,
    },
    /// Given up: it goes to the dead letters.
    Dead {
        /// Why.
        reason: String,
    },
    /// Not looked at: it comes again soon, as it was.
    Release,
}

/// A message handed to a consumer. Dropped without a settlement, it comes again.
#[derive(Debug)]
pub struct Delivery<M = Envelope> {
    /// The message.
    pub envelope: M,
    /// Why it failed the last time; of a dead letter, why it was given up.
    pub reason: Option<String>,
    tag: i64,
    settle: mpsc::UnboundedSender<(i64, Settlement)>,
    settled: bool,
}

impl<M> Delivery<M> {
    /// Makes a delivery; the transport learns its settlement by `tag`.
    pub const fn new(
        envelope: M,
        reason: Option<String>,
        tag: i64,
        settle: mpsc::UnboundedSender<(i64, Settlement)>,
    ) -> Self {
        Self { envelope, reason, tag, settle, settled: false }
    }

    /// Tells the broker what became of the message.
    pub fn settle(mut self, settlement: Settlement) {
        self.tell(settlement);
    }

    fn tell(&mut self, settlement: Settlement) {
        self.settled = true;
        // A transport that is gone gives the message out again when it comes back.
        self.settle.send((self.tag, settlement)).ok();
    }
}

impl<M> Drop for Delivery<M> {
    fn drop(&mut self) {
        if !self.settled {
            self.tell(Settlement::Release);
        }
    }
}

/// A running subscription to one queue.
#[derive(Debug)]
pub struct Subscription<M = Envelope> {
    /// Messages, as they come; ends when the broker is closed.
    pub deliveries: mpsc::Receiver<Delivery<M>>,
    /// The task behind it; ends when every delivery is settled and `deliveries` is dropped.
    pub task: JoinHandle<()>,
}

impl<M> Subscription<M> {
    /// Takes no more messages and waits until the broker knows every settlement.
    pub async fn finish(self) {
        let Self { deliveries, task } = self;
        drop(deliveries);
        if let Err(error) = task.await {
            tracing::error!(error = %error, "A subscription ended badly");
        }
    }
}

/// A message whose envelope cannot be read: whatever there is of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What it has in place of an envelope, as text for people.
    pub head: String,
    /// The body, as it is.
    pub body: Bytes,
    /// Why the envelope cannot be read.
    pub problem: String,
}

/// The dead letters of a queue, unreadable ones too.
pub type DeadLetters = Subscription<Result<Envelope, Unreadable>>;

/// What a subscription hands out.
pub(crate) trait Handed: Sized + Send + 'static {
    /// Takes a message as it was found. What is an error is not handed out but given up at once.
    fn take(found: Result<Envelope, Unreadable>) -> Result<Self, Unreadable>;
}

impl Handed for Envelope {
    fn take(found: Result<Envelope, Unreadable>) -> Result<Self, Unreadable> {
        found
    }
}

impl Handed for Result<Envelope, Unreadable> {
    fn take(found: Result<Envelope, Unreadable>) -> Result<Self, Unreadable> {
        Ok(found)
    }
}
