//! Which messages are not handled yet: kept on the way through, because a broker cannot always tell.
//!
//! RabbitMQ counts what waits, and what a process holds is known there; a message between the two is counted nowhere
//! for a moment. A test that asked in that moment would go on too early.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use scrm_db::{Publish, PublishError};
use scrm_mq::{
    BrokerError, DeadLetters, Delivery, Queue, QueueState, Settlement, Subscription, Topology, Transport,
};
use scrm_proto::Envelope;
use tokio::sync::mpsc;

use crate::broker::DeadLetter;

/// What became of the messages of each queue. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Tallies>>);

#[derive(Debug, Default)]
struct Tallies {
    /// How often messages were published or given back; never goes down.
    turns: u64,
    queues: HashMap<String, Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    /// Published, and neither handled nor given up.
    open: i64,
    /// Given up, oldest first.
    dead: Vec<DeadLetter>,
}

impl Ledger {
    /// Reports whether every message is handled or given up.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled_turn().is_some()
    }

    /// Returns, if every message is handled or given up, a number that is another one once more were published.
    pub(crate) fn settled_turn(&self) -> Option<u64> {
        let tallies = self.lock();
        tallies.queues.values().all(|tally| tally.open == 0).then_some(tallies.turns)
    }

    /// Returns what `queue` gave up, oldest first.
    pub(crate) fn dead(&self, queue: &str) -> Vec<DeadLetter> {
        self.lock().queues.get(queue).map(|tally| tally.dead.clone()).unwrap_or_default()
    }

    fn open(&self, queue: &str, messages: i64) {
        let mut tallies = self.lock();
        tallies.turns += 1;
        tallies.queues.entry(queue.to_owned()).or_default().open += messages;
    }

    fn note(&self, queue: &str, key: &str, settlement: &Settlement) {
        let mut tallies = self.lock();
        let Some(tally) = tallies.queues.get_mut(queue) else { return };
        match settlement {
            Settlement::Done => tally.open -= 1,
            Settlement::Dead { reason } => {
                tally.open -= 1;
                tally.dead.push(DeadLetter { key: key.to_owned(), reason: reason.clone() });
            }
            Settlement::Retry { .. } | Settlement::Wait { .. } | Settlement::Release => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tallies> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transport with a ledger of all that goes through it.
pub(crate) struct Counted<T> {
    transport: T,
    topology: Topology,
    ledger: Ledger,
}

impl<T: Transport> Counted<T> {
    pub(crate) const fn new(transport: T, topology: Topology, ledger: Ledger) -> Self {
        Self { transport, topology, ledger }
    }

    fn open(&self, kind: &str, messages: i64) {
        for queue in self.topology.queues_for(kind) {
            self.ledger.open(queue, messages);
        }
    }
}

#[async_trait]
impl<T: Transport> Publish for Counted<T> {
    fn most_under_way(&self) -> usize {
        self.transport.most_under_way()
    }

    async fn publish(&self, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
        let kinds: Vec<_> = messages.iter().map(|message| message.kind.clone()).collect();
        for kind in &kinds {
            self.open(kind, 1);
        }
        let outcomes = self.transport.publish(messages).await;
        for (kind, _) in kinds.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_err()) {
            self.open(kind, -1);
        }
        outcomes
    }
}

#[async_trait]
impl<T: Transport> Transport for Counted<T> {
    async fn subscribe(&self, queue: &Queue, prefetch: usize) -> Result<Subscription, BrokerError> {
        let subscription = self.transport.subscribe(queue, prefetch).await?;
        let (sender, deliveries) = mpsc::channel(prefetch);
        let task = tokio::spawn(pass_on(subscription, sender, queue.name, self.ledger.clone()));
        Ok(Subscription { deliveries, task })
    }

    async fn dead_letters(&self, queue: &Queue, prefetch: usize) -> Result<DeadLetters, BrokerError> {
        self.transport.dead_letters(queue, prefetch).await
    }

    async fn redrive(&self, queue: &Queue, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
        let count = i64::try_from(messages.len()).unwrap_or(i64::MAX);
        self.ledger.open(queue.name, count);
        let outcomes = self.transport.redrive(queue, messages).await;
        let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        self.ledger.open(queue.name, -i64::try_from(refused).unwrap_or(i64::MAX));
        outcomes
    }

    async fn queues(&self) -> Result<Vec<QueueState>, BrokerError> {
        self.transport.queues().await
    }
}

/// Hands deliveries on and notes their settlements, until nobody wants any more and all are settled.
async fn pass_on(
    mut subscription: Subscription,
    sender: mpsc::Sender<Delivery>,
    queue: &'static str,
    ledger: Ledger,
) {
    let (settle, mut settlements) = mpsc::unbounded_channel();
    let mut wanted = Some((sender, settle));
    let (mut held, mut next_tag) = (HashMap::<i64, Delivery>::new(), 0);
    while wanted.is_some() || !held.is_empty() {
        tokio::select! {
            delivery = next(&mut subscription, wanted.as_ref()), if wanted.is_some() => {
                if let (Some(delivery), Some((sender, settle))) = (delivery, &wanted) {
                    next_tag += 1;
                    let (envelope, reason) = (delivery.envelope.clone(), delivery.reason.clone());
                    held.insert(next_tag, delivery);
                    // One that nobody takes is dropped here, and so released.
                    sender.send(Delivery::new(envelope, reason, next_tag, settle.clone())).await.ok();
                } else {
                    wanted = None;
                }
            }
            Some((tag, settlement)) = settlements.recv() => {
                let Some(delivery) = held.remove(&tag) else { continue };
                let key = delivery.envelope.key.clone();
                delivery.settle(settlement.clone());
                ledger.note(queue, &key, &settlement);
            }
            else => break,
        }
    }
    subscription.finish().await;
}

/// Returns the next delivery; `None` when there are no more, or nobody wants them.
async fn next<S>(
    subscription: &mut Subscription,
    wanted: Option<&(mpsc::Sender<Delivery>, S)>,
) -> Option<Delivery> {
    let (sender, _) = wanted?;
    tokio::select! {
        () = sender.closed() => None,
        delivery = subscription.deliveries.recv() => delivery,
    }
}
