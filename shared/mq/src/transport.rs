//! What a broker does for us, whichever it is.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scrm_db::{Publish, PublishError};
use scrm_kernel::Timestamp;
use scrm_proto::Envelope;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::topology::Queue;

/// The broker cannot be used at the moment.
#[derive(Debug, thiserror::Error)]
#[error("broker: {0}")]
pub struct BrokerError(pub String);

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
    /// Given up: it goes to the dead letters.
    Dead {
        /// Why.
        reason: String,
    },
    /// Not looked at: it comes again at once, as it was.
    Release,
}

/// A message handed to a consumer. Dropped without a settlement, it comes again.
#[derive(Debug)]
pub struct Delivery {
    /// The message.
    pub envelope: Envelope,
    /// Why it failed the last time; of a dead letter, why it was given up.
    pub reason: Option<String>,
    tag: i64,
    settle: mpsc::UnboundedSender<(i64, Settlement)>,
    settled: bool,
}

impl Delivery {
    /// Makes a delivery; the transport learns its settlement by `tag`.
    pub const fn new(
        envelope: Envelope,
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

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.settled {
            self.tell(Settlement::Release);
        }
    }
}

/// A running subscription to one queue.
#[derive(Debug)]
pub struct Subscription {
    /// Messages, as they come; ends when the broker is closed.
    pub deliveries: mpsc::Receiver<Delivery>,
    /// The task behind it; ends when every delivery is settled and `deliveries` is dropped.
    pub task: JoinHandle<()>,
}

impl Subscription {
    /// Takes no more messages and waits until the broker knows every settlement.
    pub async fn finish(self) {
        let Self { deliveries, task } = self;
        drop(deliveries);
        if let Err(error) = task.await {
            tracing::error!(error = %error, "A subscription ended badly");
        }
    }
}

/// How a queue is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueState {
    /// The queue's name.
    pub queue: String,
    /// Messages in it, those being handled and those waiting for a retry included.
    pub messages: u64,
    /// When the oldest of them came into it.
    pub oldest: Option<Timestamp>,
}

/// A broker.
#[async_trait]
pub trait Transport: Publish + 'static {
    /// Begins to hand out the messages of `queue`, at most `prefetch` unsettled at a time.
    async fn subscribe(&self, queue: &Queue, prefetch: usize) -> Result<Subscription, BrokerError>;

    /// Returns every queue that holds messages, dead letters and unrouted events included.
    async fn queues(&self) -> Result<Vec<QueueState>, BrokerError>;
}

/// A handle of the broker; cheap to clone.
#[derive(Clone)]
pub struct Broker(Arc<dyn Transport>);

impl Broker {
    /// Makes a handle of a transport.
    pub fn new(transport: impl Transport) -> Self {
        Self(Arc::new(transport))
    }

    /// See [`Transport::subscribe`].
    pub async fn subscribe(&self, queue: &Queue, prefetch: usize) -> Result<Subscription, BrokerError> {
        self.0.subscribe(queue, prefetch).await
    }

    /// See [`Transport::queues`].
    pub async fn queues(&self) -> Result<Vec<QueueState>, BrokerError> {
        self.0.queues().await
    }
}

#[async_trait]
impl Publish for Broker {
    async fn publish(&self, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
        self.0.publish(messages).await
    }
}
