//! What a broker does for us, whichever it is.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use scrm_db::{Publish, PublishError};
use scrm_kernel::{Clock, Lifecycle, Timestamp};
use scrm_proto::Envelope;
use tokio::sync::watch;

use crate::delivery::{DeadLetters, Subscription};
use crate::topology::Queue;

/// Messages in a queue.
const QUEUE_LENGTH: &str = "scrm_queue_messages";
/// Age of the oldest message in a queue.
const QUEUE_AGE: &str = "scrm_queue_oldest_age_seconds";
/// How often the queues are looked at.
const WATCH: Duration = Duration::from_secs(15);

/// Bytes of a kind of event: it is RabbitMQ's routing key.
const LONGEST_KIND: usize = 255;
/// Bytes of a text in the envelope: on RabbitMQ all headers must fit into one frame of 128 KiB, or the connection breaks.
pub(crate) const LONGEST_TEXT: usize = 16 * 1024;
/// Bytes of a body. RabbitMQ closes the channel over one of more than its `max_message_size`, 128 MiB by default.
const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// The broker cannot be used at the moment.
#[derive(Debug, thiserror::Error)]
#[error("broker: {0}")]
pub struct BrokerError(pub String);

/// How a queue is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueState {
    /// The queue's name.
    pub queue: String,
    /// Messages in it, those being handled and those waiting for a retry included.
    pub messages: u64,
    /// When the oldest of them came into it, as far as the broker knows; RabbitMQ knows it of those that this process
    /// holds.
    pub oldest: Option<Timestamp>,
}

/// A broker.
#[async_trait]
pub trait Transport: Publish + 'static {
    /// Begins to hand out the messages of `queue`, at most `prefetch` unsettled at a time.
    async fn subscribe(&self, queue: &Queue, prefetch: usize) -> Result<Subscription, BrokerError>;

    /// Begins to hand out what `queue` gave up, also what is no message of ours; at most `prefetch` unsettled at a time.
    async fn dead_letters(&self, queue: &Queue, prefetch: usize) -> Result<DeadLetters, BrokerError>;

    /// Puts messages into `queue` alone, as if they were new there; returns of each whether it is safe in it.
    async fn redrive(&self, queue: &Queue, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>>;

    /// Returns every queue that holds messages, dead letters and unrouted events included.
    async fn queues(&self) -> Result<Vec<QueueState>, BrokerError>;
}

/// A handle of the broker; cheap to clone.
#[derive(Clone)]
pub struct Broker {
    transport: Arc<dyn Transport>,
    /// How many consumers have not subscribed yet.
    coming: Arc<watch::Sender<usize>>,
}

/// A consumer that has not subscribed yet. One that fails to is waited for until its process ends.
pub(crate) struct Coming(Arc<watch::Sender<usize>>);

impl Coming {
    /// Notes that it has subscribed.
    pub(crate) fn has_come(self) {
        self.0.send_modify(|coming| *coming -= 1);
    }
}

impl Broker {
    /// Makes a handle of a transport.
    pub fn new(transport: impl Transport) -> Self {
        Self { transport: Arc::new(transport), coming: Arc::default() }
    }

    /// Notes that a consumer is about to subscribe.
    pub(crate) fn coming(&self) -> Coming {
        self.coming.send_modify(|coming| *coming += 1);
        Coming(Arc::clone(&self.coming))
    }

    /// Waits until every consumer has subscribed that was told to run.
    async fn subscribed(&self) {
        // Cannot fail: this handle keeps the sender.
        self.coming.subscribe().wait_for(|coming| *coming == 0).await.ok();
    }

    /// Starts the task that calls `tell` when every consumer has subscribed that was told to run.
    pub fn tell_when_subscribed(&self, lifecycle: &Lifecycle, tell: impl FnOnce() + Send + 'static) {
        let (broker, stopping) = (self.clone(), lifecycle.clone());
        lifecycle.spawn("subscribed", async move {
            tokio::select! {
                () = broker.subscribed() => tell(),
                () = stopping.stopping() => {}
            }
            Ok::<(), Infallible>(())
        });
    }

    /// See [`Transport::subscribe`].
    pub async fn subscribe(&self, queue: &Queue, prefetch: usize) -> Result<Subscription, BrokerError> {
        self.transport.subscribe(queue, prefetch).await
    }

    /// See [`Transport::dead_letters`].
    pub async fn dead_letters(&self, queue: &Queue, prefetch: usize) -> Result<DeadLetters, BrokerError> {
        self.transport.dead_letters(queue, prefetch).await
    }

    /// See [`Transport::redrive`].
    pub async fn redrive(&self, queue: &Queue, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
        self.transport.redrive(queue, messages).await
    }

    /// Starts the job that shows how full the queues are and how old their oldest messages: what tells that work stands
    /// still, whatever the reason.
    pub fn watch(&self, clock: &Clock, lifecycle: &Lifecycle) {
        let (broker, now) = (self.clone(), clock.clone());
        // A queue that is empty is not among the queues any more; it is shown as empty all the same.
        let known = Arc::new(Mutex::new(HashSet::new()));
        lifecycle.every(WATCH, clock, "watch queues", move || {
            let (broker, now, known) = (broker.clone(), now.now(), Arc::clone(&known));
            async move {
                let states = broker.queues().await?;
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                known.extend(states.iter().map(|state| state.queue.clone()));
                for queue in known.iter() {
                    show(queue, states.iter().find(|state| state.queue == *queue), now);
                }
                Ok::<(), BrokerError>(())
            }
        });
    }

    /// See [`Transport::queues`].
    pub async fn queues(&self) -> Result<Vec<QueueState>, BrokerError> {
        self.transport.queues().await
    }
}

fn show(queue: &str, state: Option<&QueueState>, now: Timestamp) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    let messages = state.map_or(0.0, |state| state.messages as f64);
    metrics::gauge!(QUEUE_LENGTH, "queue" => queue.to_owned()).set(messages);
    let age = match state {
        Some(state) => state.oldest.map(|oldest| (now - oldest).as_seconds_f64().max(0.0)),
        None => Some(0.0),
    };
    // An age that is not known is not shown as none.
    if let Some(age) = age {
        metrics::gauge!(QUEUE_AGE, "queue" => queue.to_owned()).set(age);
    }
}

/// Refuses what RabbitMQ can never take, in both shapes: what is published in one can be published in the other.
fn check(message: &Envelope) -> Result<(), PublishError> {
    let lengths = [
        ("kind", message.kind.len(), LONGEST_KIND),
        ("key", message.key.len(), LONGEST_TEXT),
        ("trace context", message.traceparent.as_ref().map_or(0, String::len), LONGEST_TEXT),
        ("body", message.body.len(), LONGEST_BODY),
    ];
    match lengths.into_iter().find(|(_, length, longest)| length > longest) {
        Some((what, length, _)) => {
            Err(PublishError::Never(format!("a {what} of {length} bytes is too long")))
        }
        None => Ok(()),
    }
}

#[async_trait]
impl Publish for Broker {
    fn most_under_way(&self) -> usize {
        self.transport.most_under_way()
    }

    async fn publish(&self, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
        let mut outcomes: Vec<_> = messages.iter().map(check).collect();
        let possible = messages.into_iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
        let mut published =
            self.transport.publish(possible.map(|(message, _)| message).collect()).await.into_iter();
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
            let silent = || Err(PublishError::NotNow("the broker does not say".to_owned()));
            *outcome = published.next().unwrap_or_else(silent);
        }
        outcomes
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    struct Silent;

    #[async_trait]
    impl Publish for Silent {
        async fn publish(&self, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
            messages.iter().map(|_| Ok(())).collect()
        }
    }

    #[async_trait]
    impl Transport for Silent {
        async fn subscribe(&self, _: &Queue, _: usize) -> Result<Subscription, BrokerError> {
            Err(BrokerError("there is nothing to hear".to_owned()))
        }

        async fn dead_letters(&self, _: &Queue, _: usize) -> Result<DeadLetters, BrokerError> {
            Err(BrokerError("there is nothing to hear".to_owned()))
        }

        async fn redrive(&self, _: &Queue, _: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
            Vec::new()
        }

        async fn queues(&self) -> Result<Vec<QueueState>, BrokerError> {
            Ok(Vec::new())
        }
    }

    #[tokio::test]
    async fn a_process_waits_until_all_its_consumers_have_subscribed() {
        let broker = Broker::new(Silent);
        assert_eq!(broker.subscribed().now_or_never(), Some(()));
        let consumers = [broker.coming(), broker.clone().coming()];
        for consumer in consumers {
            assert_eq!(broker.subscribed().now_or_never(), None);
            consumer.has_come();
        }
        assert_eq!(broker.subscribed().now_or_never(), Some(()));
    }
}
