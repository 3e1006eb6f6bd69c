//! Hands out the messages of one queue and takes their settlements.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::join_all;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Acker, BasicProperties, Channel};
use scrm_kernel::{Clock, Timestamp, crash};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::link::{Link, PATIENCE};
use super::plan::Plan;
use super::publisher::{Outgoing, Publisher};
use super::wire;
use crate::delivery::{Delivery, Handed, Settlement, Subscription, Unreadable};
use crate::topology::{self, Queue};
use crate::transport::BrokerError;

/// How long to wait when the broker did not do what it was asked.
const PAUSE: Duration = Duration::from_millis(500);
/// Settlements that are dealt with together.
const GROUP: usize = 200;

/// Messages handed out and not settled yet.
pub(super) type Held = Arc<Mutex<HashMap<i64, Message>>>;

/// A message as the broker gave it.
pub(super) struct Message {
    /// When it was published; of another maker's message, when it came here.
    pub(super) since: Timestamp,
    acker: Acker,
    properties: BasicProperties,
    body: Bytes,
}

/// What a subscription needs of the transport.
pub(super) struct Source {
    pub(super) link: Arc<Link>,
    pub(super) publisher: Arc<Publisher>,
    pub(super) plan: Arc<Plan>,
    pub(super) closed: watch::Receiver<bool>,
}

/// Subscribes to the queue called `queue`, and starts the task behind the subscription.
pub(super) async fn start<M: Handed>(
    source: Source,
    queue: String,
    prefetch: usize,
    held: Held,
) -> Result<Subscription<M>, BrokerError> {
    let (sender, deliveries) = mpsc::channel(prefetch);
    let (settle, settlements) = mpsc::unbounded_channel();
    let settler = Settler {
        publisher: source.publisher,
        queue: source.plan.find(&queue).copied(),
        plan: Arc::clone(&source.plan),
        held: Arc::clone(&held),
        closed: source.closed.clone(),
        again: Vec::new(),
    };
    let name = source.plan.named(&queue);
    let feeder =
        Feeder { link: source.link, name, prefetch, held, closed: source.closed, settle, next_tag: 0 };
    let opened = feeder.open().await?;
    let task = tokio::spawn(async move {
        let settling = tokio::spawn(settler.run(settlements));
        let channel = feeder.run(opened, sender).await;
        if let Err(error) = settling.await {
            tracing::error!(queue, error = %error, "Settlements ended badly");
        }
        // What was never handed out goes back to the queue with the channel.
        if let Some(channel) = channel.filter(|channel| channel.status().connected())
            && let Err(error) = channel.close(200, "done".into()).await
        {
            tracing::debug!(queue, error = %error, "Channel was gone before it was closed");
        }
    });
    Ok(Subscription { deliveries, task })
}

fn lock(held: &Held) -> MutexGuard<'_, HashMap<i64, Message>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes messages from the broker and hands them out.
struct Feeder {
    link: Arc<Link>,
    name: String,
    prefetch: usize,
    held: Held,
    closed: watch::Receiver<bool>,
    /// Given to each delivery; dropped at the end, so that the settler ends.
    settle: mpsc::UnboundedSender<(i64, Settlement)>,
    next_tag: i64,
}

impl Feeder {
    async fn open(&self) -> Result<(Channel, lapin::Consumer), BrokerError> {
        let channel = self.link.channel().await?;
        let consuming = async {
            let prefetch = u16::try_from(self.prefetch).unwrap_or(u16::MAX);
            channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
            let options = BasicConsumeOptions::default();
            channel.basic_consume(self.name.as_str().into(), "".into(), options, FieldTable::default()).await
        };
        let consumer = timeout(PATIENCE, consuming)
            .await
            .map_err(|_| BrokerError(format!("no subscription within {PATIENCE:?}")))?
            .map_err(|error: lapin::Error| BrokerError(error.to_string()))?;
        Ok((channel, consumer))
    }

    /// Hands out messages until nobody wants them; returns the channel on which the last ones are to be settled.
    async fn run<M: Handed>(
        mut self,
        opened: (Channel, lapin::Consumer),
        sender: mpsc::Sender<Delivery<M>>,
    ) -> Option<Channel> {
        let mut opened = Some(opened);
        let mut closed = self.closed.clone();
        loop {
            let Some((channel, consumer)) = opened.take() else {
                tokio::select! {
                    () = unwanted(&sender, &mut closed) => return None,
                    () = tokio::time::sleep(PAUSE) => {}
                }
                opened = self.open().await.map_err(|error| self.complain(&error)).ok();
                continue;
            };
            if self.hand_out(consumer, &sender).await {
                return Some(channel);
            }
        }
    }

    fn complain(&self, error: &BrokerError) {
        tracing::warn!(queue = self.name, error = %error, "Cannot subscribe, trying again");
    }

    /// Hands out messages; `true` when nobody wants any more, `false` when the broker gives no more.
    async fn hand_out<M: Handed>(
        &mut self,
        mut consumer: lapin::Consumer,
        sender: &mpsc::Sender<Delivery<M>>,
    ) -> bool {
        let mut closed = self.closed.clone();
        loop {
            let next = tokio::select! {
                () = unwanted(sender, &mut closed) => return true,
                next = consumer.next() => next,
            };
            match next {
                Some(Ok(delivery)) => {
                    tokio::select! {
                        () = unwanted(sender, &mut closed) => return true,
                        () = self.give(delivery, sender) => {}
                    }
                }
                Some(Err(error)) => {
                    tracing::warn!(queue = self.name, error = %error, "Lost the broker");
                    return false;
                }
                None => return false,
            }
        }
    }

    async fn give<M: Handed>(
        &mut self,
        delivery: lapin::message::Delivery,
        sender: &mpsc::Sender<Delivery<M>>,
    ) {
        let lapin::message::Delivery { properties, data, acker, .. } = delivery;
        let tag = self.next_tag;
        self.next_tag += 1;
        let body = Bytes::from(data);
        let envelope = wire::envelope_of(&properties, body.clone()).map_err(|problem| Unreadable {
            head: format!("{properties:?}"),
            body: body.clone(),
            problem: format!("it is no message of ours: {problem}"),
        });
        let reason = wire::reason_of(&properties);
        let since = wire::published_at(&properties).unwrap_or_else(|| Clock::system().now());
        lock(&self.held).insert(tag, Message { since, acker, properties, body });
        match M::take(envelope) {
            // A receiver that is gone releases what it is sent.
            Ok(envelope) => {
                drop(sender.send(Delivery::new(envelope, reason, tag, self.settle.clone())).await);
            }
            Err(Unreadable { problem: reason, .. }) => {
                self.settle.send((tag, Settlement::Dead { reason })).ok();
            }
        }
    }
}

/// Does what was decided about messages.
struct Settler {
    publisher: Arc<Publisher>,
    plan: Arc<Plan>,
    /// The queue of the topology; dead letters and unrouted events have neither ladder nor dead letters.
    queue: Option<Queue>,
    held: Held,
    closed: watch::Receiver<bool>,
    /// What the broker did not take the last time.
    again: Vec<(i64, Settlement)>,
}

impl Settler {
    async fn run(mut self, mut settlements: mpsc::UnboundedReceiver<(i64, Settlement)>) {
        let mut closed = self.closed.clone();
        let mut open = true;
        while open || !self.again.is_empty() {
            let mut group = Vec::new();
            tokio::select! {
                taken = settlements.recv_many(&mut group, GROUP), if open => open = taken > 0,
                () = tokio::time::sleep(PAUSE), if !self.again.is_empty() => {}
                () = is_closed(&mut closed) => break,
            }
            if group.is_empty() {
                group = std::mem::take(&mut self.again);
            }
            self.settle(group).await;
        }
        lock(&self.held).clear();
    }

    async fn settle(&mut self, group: Vec<(i64, Settlement)>) {
        let (mut done, mut released, mut moved) = (Vec::new(), Vec::new(), Vec::new());
        for (tag, settlement) in group {
            match settlement {
                Settlement::Done => done.push(tag),
                Settlement::Release => released.push(tag),
                Settlement::Retry { .. } | Settlement::Wait { .. } | Settlement::Dead { .. } => {
                    moved.push((tag, settlement));
                }
            }
        }
        self.give_back(released).await;
        self.acknowledge(done).await;
        if !moved.is_empty() {
            self.publish_moved(moved).await;
        }
    }

    /// An acknowledgement that fails came after the connection was lost: the message comes again.
    async fn acknowledge(&self, tags: Vec<i64>) {
        if tags.is_empty() {
            return;
        }
        let ackers = self.ackers(&tags);
        let told = join_all(ackers.iter().map(|acker| acker.ack(BasicAckOptions::default())));
        timeout(PATIENCE, told).await.ok();
        crash::point("rabbit.acknowledged");
        self.forget(&tags);
    }

    async fn give_back(&self, tags: Vec<i64>) {
        let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
        let ackers = self.ackers(&tags);
        let told = join_all(ackers.iter().map(|acker| acker.nack(options)));
        timeout(PATIENCE, told).await.ok();
        self.forget(&tags);
    }

    fn ackers(&self, tags: &[i64]) -> Vec<Acker> {
        let held = lock(&self.held);
        tags.iter().filter_map(|tag| held.get(tag)).map(|message| message.acker.clone()).collect()
    }

    fn forget(&self, tags: &[i64]) {
        let mut held = lock(&self.held);
        for tag in tags {
            held.remove(tag);
        }
    }

    /// Publishes messages to where they go next, and acknowledges those that have arrived there.
    async fn publish_moved(&mut self, moved: Vec<(i64, Settlement)>) {
        let (mut kept, mut outgoing, mut comes_again) = (Vec::new(), Vec::new(), Vec::new());
        for (tag, settlement) in moved {
            match self.outgoing(tag, &settlement) {
                Moved::To(message) => {
                    outgoing.push(*message);
                    kept.push((tag, settlement));
                }
                Moved::ComesAgain => comes_again.push(tag),
                Moved::Stays => {}
            }
        }
        self.forget(&comes_again);
        let outcomes = self.publisher.publish(&outgoing).await;
        crash::point("rabbit.moved");
        let mut arrived = Vec::new();
        for ((tag, settlement), outcome) in kept.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => arrived.push(tag),
                Err(error) => {
                    tracing::warn!(error, "Cannot move a failed message, trying again");
                    self.again.push((tag, settlement));
                }
            }
        }
        self.acknowledge(arrived).await;
    }

    fn outgoing(&self, tag: i64, settlement: &Settlement) -> Moved {
        let held = lock(&self.held);
        let Some(message) = held.get(&tag).filter(|message| message.acker.usable()) else {
            return Moved::ComesAgain;
        };
        let Some(queue) = &self.queue else {
            tracing::error!(?settlement, "There is no further place for this message; it is held back");
            return Moved::Stays;
        };
        let properties = message.properties.clone();
        let dead = || self.plan.named(&topology::dead(queue.name));
        let (routing_key, properties) = match settlement {
            Settlement::Retry { after, reason } => match self.plan.rung(queue, *after) {
                Some(rung) => (rung, wire::failed_again(properties, reason)),
                None => (dead(), wire::dead(properties, reason)),
            },
            Settlement::Wait { after } => match self.plan.rung_within(queue, *after) {
                Some(rung) => (rung, wire::unchanged(properties)),
                // To the end of its queue, which is the only place there is.
                None => (self.plan.named(queue.name), wire::unchanged(properties)),
            },
            Settlement::Dead { reason } => (dead(), wire::dead(properties, reason)),
            Settlement::Done | Settlement::Release => return Moved::Stays,
        };
        Moved::To(Box::new(Outgoing {
            exchange: "".into(),
            routing_key: routing_key.into(),
            properties,
            body: message.body.clone(),
        }))
    }
}

/// Where a failed message goes.
enum Moved {
    /// To another queue.
    To(Box<Outgoing>),
    /// Nowhere: the connection it came over is lost, so the broker hands it out again.
    ComesAgain,
    /// Nowhere: it stays unsettled until the subscription ends.
    Stays,
}

/// Resolves when nobody wants messages any more.
async fn unwanted<M>(sender: &mpsc::Sender<Delivery<M>>, closed: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = sender.closed() => {}
        () = is_closed(closed) => {}
    }
}

/// Resolves when the transport is closed; never, when it is let go without that.
async fn is_closed(closed: &mut watch::Receiver<bool>) {
    if closed.wait_for(|closed| *closed).await.is_err() {
        std::future::pending::<()>().await;
    }
}
