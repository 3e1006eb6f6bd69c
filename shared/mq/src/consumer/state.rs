//! The loop around state handlers: begin, remember and handle each message that waits, commit, acknowledge.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Db, Txn};
use scrm_kernel::{Lifecycle, MessageId, crash};
use scrm_proto::{Envelope, Event};
use sea_orm::DbErr;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::together::{Fate, GROUP, Keep, Part, act_together, alike};
use super::{Failure, PAUSE, log, step_of};
use crate::delivery::{Delivery, Settlement};
use crate::topology::Queue;
use crate::transport::{Broker, BrokerError, Coming};

/// Groups handled at once; messages of one key share a lane and keep their order. More of them would make the groups
/// smaller.
const LANES: usize = 2;
/// The same on SQLite, which has one writer: lanes beside each other would only make the groups smaller.
const SQLITE_LANES: usize = 1;
/// Messages a consumer may hold unsettled.
const PREFETCH: usize = 200;

/// Changes this service's rows because of an event.
///
/// It is right under any order and any repetition of events, and calls nothing outside the database. It may be asked
/// again about an event that it has just handled, all of which is then taken back: the commit failed, or the handling of
/// another event in the same transaction.
#[async_trait]
pub trait StateHandler<E: Event>: Send + Sync + 'static {
    /// Handles the event within `txn`: a part of a transaction that it may share with other messages. When this returns
    /// `Ok` the part is kept, and committed with the rest; otherwise it alone is taken back.
    async fn handle(&self, txn: &Txn, event: E, envelope: &Envelope) -> Result<(), Failure>;

    /// Whether it implements [`handle_at_once`](Self::handle_at_once).
    const HANDLES_AT_ONCE: bool = false;

    /// Handles those of several events that need not be handled one after the other, and says of each whether it did;
    /// the others are handled alone afterwards, in their order.
    ///
    /// A statement for all of them instead of one for each. If it fails, all of it is taken back and each event is
    /// handled alone. All events are of one enterprise, and each is of another key, of which it is the first that waits.
    async fn handle_at_once(&self, _txn: &Txn, events: &[(E, &Envelope)]) -> Result<Vec<bool>, Failure> {
        Ok(vec![false; events.len()])
    }
}

/// A state handler of any kind of event.
#[async_trait]
trait AnyHandler: Send + Sync {
    async fn handle(&self, txn: &Txn, envelope: &Envelope) -> Result<(), Failure>;

    fn handles_at_once(&self) -> bool;

    async fn handle_at_once(&self, txn: &Txn, envelopes: &[&Envelope]) -> Result<Vec<bool>, Failure>;
}

struct Decoding<E, H>(H, PhantomData<fn(E)>);

#[async_trait]
impl<E: Event, H: StateHandler<E>> AnyHandler for Decoding<E, H> {
    async fn handle(&self, txn: &Txn, envelope: &Envelope) -> Result<(), Failure> {
        let event = envelope.open::<E>().map_err(|error| Failure::Reject(error.to_string()))?;
        self.0.handle(txn, event, envelope).await
    }

    fn handles_at_once(&self) -> bool {
        H::HANDLES_AT_ONCE
    }

    async fn handle_at_once(&self, txn: &Txn, envelopes: &[&Envelope]) -> Result<Vec<bool>, Failure> {
        let mut are_handled = vec![false; envelopes.len()];
        let readable = envelopes.iter().enumerate();
        let readable =
            readable.filter_map(|(place, envelope)| Some((place, (envelope.open().ok()?, *envelope))));
        let (places, events): (Vec<usize>, Vec<(E, &Envelope)>) = readable.unzip();
        for (place, is_handled) in places.into_iter().zip(self.0.handle_at_once(txn, &events).await?) {
            are_handled[place] = is_handled;
        }
        Ok(are_handled)
    }
}

/// The consumer of one queue, with a state handler for each kind of event in it.
pub struct Consumer {
    queue: Queue,
    db: Db,
    is_ahead: bool,
    handlers: HashMap<&'static str, Box<dyn AnyHandler>>,
}

impl Consumer {
    /// Makes a consumer of `queue` whose handlers change rows of `db`.
    pub fn new(queue: Queue, db: Db) -> Self {
        Self { queue, db, is_ahead: false, handlers: HashMap::new() }
    }

    /// Lets the messages be handled ahead of what else this service writes: for what people wait for.
    #[must_use]
    pub fn ahead_of_others(self) -> Self {
        Self { is_ahead: true, ..self }
    }

    /// Lets `handler` handle the events of its kind.
    #[must_use]
    pub fn on<E: Event>(mut self, handler: impl StateHandler<E>) -> Self {
        self.handlers.insert(E::KIND, Box::new(Decoding(handler, PhantomData)));
        self
    }

    /// Handles messages until asked to stop; then finishes those it has begun.
    pub fn run(
        self,
        broker: Broker,
        lifecycle: Lifecycle,
    ) -> impl Future<Output = Result<(), BrokerError>> + Send {
        let coming = broker.coming();
        self.consume(broker, coming, lifecycle)
    }

    async fn consume(self, broker: Broker, coming: Coming, lifecycle: Lifecycle) -> Result<(), BrokerError> {
        let mut subscription = broker.subscribe(&self.queue, PREFETCH).await?;
        coming.has_come();
        let consumer = Arc::new(self);
        // Lanes end with this future, however that ends.
        let mut tasks = JoinSet::new();
        let lanes: Vec<_> = (0..if consumer.db.is_sqlite() { SQLITE_LANES } else { LANES })
            .map(|_| {
                let (sender, receiver) = mpsc::channel(PREFETCH);
                tasks.spawn(Arc::clone(&consumer).handle_lane(receiver, lifecycle.clone()));
                sender
            })
            .collect();

        loop {
            let delivery = tokio::select! {
                () = lifecycle.stopping() => break,
                delivery = subscription.deliveries.recv() => delivery,
            };
            let Some(delivery) = delivery else {
                return Err(BrokerError(format!("the subscription to {} ended", consumer.queue.name)));
            };
            let lane = &lanes[lane_of(&delivery.envelope.key, lanes.len())];
            if let Err(mpsc::error::SendError(delivery)) = lane.send(delivery).await {
                delivery.settle(Settlement::Release);
                return Err(BrokerError(format!("a lane of {} ended", consumer.queue.name)));
            }
        }

        // Nothing more comes; what the lanes give back does not come here again.
        subscription.deliveries.close();
        drop(lanes);
        while let Some(lane) = tasks.join_next().await {
            lane.map_err(|error| BrokerError(error.to_string()))?;
        }
        subscription.finish().await;
        Ok(())
    }

    async fn handle_lane(self: Arc<Self>, mut lane: mpsc::Receiver<Delivery>, lifecycle: Lifecycle) {
        let (mut pace, mut waiting) = (self.queue.rank.pace(&self.db), Vec::with_capacity(GROUP));
        while pace.receive(&mut lane, &mut waiting, GROUP, lifecycle.stopping()).await > 0 {
            let left = self.handle_all(waiting.drain(..).collect(), &lifecycle).await;
            for delivery in left {
                delivery.settle(Settlement::Release);
            }
        }
    }

    /// Handles and settles messages until asked to stop, and returns those it did not come to.
    ///
    /// When a transaction fails, the messages that remain get one each: a bad one harms only itself. A database that
    /// is down is waited for; that is no message's failure.
    async fn handle_all(&self, mut waiting: VecDeque<Delivery>, lifecycle: &Lifecycle) -> VecDeque<Delivery> {
        let (queue, mut most) = (self.queue.name, GROUP);
        while !waiting.is_empty() && !lifecycle.is_stopping() {
            match self.handle_some(&mut waiting, most, lifecycle).await {
                Ok(()) => {}
                Err(error) if most > 1 && waiting.len() > 1 => {
                    tracing::info!(queue, error = %error, "Transaction of several messages failed, trying them alone");
                    most = 1;
                }
                Err(error) => {
                    tracing::warn!(queue, error = %error, "Database cannot be used, waiting for it");
                    tokio::select! {
                        () = lifecycle.stopping() => {}
                        () = tokio::time::sleep(PAUSE) => {}
                    }
                }
            }
        }
        waiting
    }

    /// Handles up to `most` messages from the front in one transaction, then settles them.
    ///
    /// An error says nothing about any of the messages, and none is settled. What was committed all the same is known
    /// by the inbox.
    async fn handle_some(
        &self,
        waiting: &mut VecDeque<Delivery>,
        most: usize,
        lifecycle: &Lifecycle,
    ) -> Result<(), DbErr> {
        let parts: Vec<_> = waiting
            .iter()
            .take(most)
            .map(|delivery| Handling { consumer: self, envelope: &delivery.envelope })
            .collect();
        let is_enough = || lifecycle.is_stopping();
        let fates = act_together(&self.db, self.queue.name, parts.iter(), self.is_ahead, is_enough).await?;
        crash::point("state.committed");
        for (fate, time) in fates {
            let delivery = waiting.pop_front().expect("each fate is that of a message in front");
            let settlement = match fate {
                Fate::Before | Fate::Ended(Ok(())) => Settlement::Done,
                Fate::Ended(Err(failure)) => failure.settlement(&self.queue, delivery.envelope.attempt),
            };
            log(self.queue.name, &delivery.envelope, &settlement, time);
            delivery.settle(settlement);
        }
        Ok(())
    }
}

/// The handling of a message as a part of a transaction.
struct Handling<'a> {
    consumer: &'a Consumer,
    envelope: &'a Envelope,
}

#[async_trait]
impl Part for Handling<'_> {
    type Out = ();

    fn message(&self) -> MessageId {
        self.envelope.message_id
    }

    async fn act(&self, txn: &Txn) -> Result<((), Keep), Failure> {
        let kind = self.envelope.kind.as_str();
        let Some(handler) = self.consumer.handlers.get(kind) else {
            return Err(Failure::Reject(format!("no handler for events of kind {kind}")));
        };
        let step = step_of(self.consumer.queue.name, self.envelope);
        handler.handle(txn, self.envelope).instrument(step).await?;
        Ok(((), Keep::Handled))
    }

    fn key(&self) -> Option<&str> {
        Some(&self.envelope.key)
    }

    fn may_be_at_once(&self) -> bool {
        let handler = self.consumer.handlers.get(self.envelope.kind.as_str());
        handler.is_some_and(|handler| handler.handles_at_once())
    }

    /// Those of one kind and one enterprise together, if there are several.
    async fn act_at_once(parts: &[&Self], txn: &Txn) -> Result<Vec<Option<((), Keep)>>, Failure> {
        let mut done = vec![None; parts.len()];
        for ((kind, _), places) in alike(parts, |part| (part.envelope.kind.as_str(), part.envelope.corp)) {
            let consumer = parts[places[0]].consumer;
            let Some(handler) = consumer.handlers.get(kind) else { continue };
            let envelopes: Vec<&Envelope> = places.iter().map(|place| parts[*place].envelope).collect();
            // Each is a step of its own trace, as long as it takes for all.
            let steps: Vec<_> =
                envelopes.iter().map(|envelope| step_of(consumer.queue.name, envelope)).collect();
            let are_handled = handler.handle_at_once(txn, &envelopes).await?;
            drop(steps);
            for (place, is_handled) in places.into_iter().zip(are_handled) {
                done[place] = is_handled.then_some(((), Keep::Handled));
            }
        }
        Ok(done)
    }
}

fn lane_of(key: &str, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    usize::try_from(hasher.finish() % lanes as u64).expect("fewer lanes than a usize counts")
}
