//! The loop around a state handler: begin, remember the message, handle, commit, acknowledge.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::FutureExt as _;
use scrm_db::{Db, Txn, inbox};
use scrm_kernel::Lifecycle;
use scrm_proto::{Envelope, Event};
use sea_orm::DbErr;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::topology::Queue;
use crate::transport::{Broker, BrokerError, Delivery, Settlement};

/// Messages settled, by queue and outcome.
const MESSAGES: &str = "scrm_messages_total";
/// How long handling took, by queue.
const MESSAGE_TIME: &str = "scrm_message_seconds";
/// Messages handled at once; those of one key share a lane and keep their order.
const LANES: usize = 4;
/// Messages a consumer may hold unsettled.
const PREFETCH: usize = 200;
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

/// Changes this service's rows because of an event.
///
/// It is right under any order and any repetition of events, and calls nothing outside the database.
#[async_trait]
pub trait StateHandler<E: Event>: Send + Sync + 'static {
    /// Handles the event within `txn`, which commits when this returns `Ok`.
    async fn handle(&self, txn: &Txn, event: E, envelope: &Envelope) -> Result<(), Failure>;
}

/// A state handler of any kind of event.
#[async_trait]
trait AnyHandler: Send + Sync {
    async fn handle(&self, txn: &Txn, envelope: &Envelope) -> Result<(), Failure>;
}

struct Decoding<E, H>(H, PhantomData<fn(E)>);

#[async_trait]
impl<E: Event, H: StateHandler<E>> AnyHandler for Decoding<E, H> {
    async fn handle(&self, txn: &Txn, envelope: &Envelope) -> Result<(), Failure> {
        let event = envelope.open::<E>().map_err(|error| Failure::Reject(error.to_string()))?;
        self.0.handle(txn, event, envelope).await
    }
}

/// The consumer of one queue, with a handler for each kind of event in it.
pub struct Consumer {
    queue: Queue,
    db: Db,
    handlers: HashMap<&'static str, Box<dyn AnyHandler>>,
}

impl Consumer {
    /// Makes a consumer of `queue` whose handlers change rows of `db`.
    pub fn new(queue: Queue, db: Db) -> Self {
        Self { queue, db, handlers: HashMap::new() }
    }

    /// Lets `handler` handle the events of its kind.
    #[must_use]
    pub fn on<E: Event>(mut self, handler: impl StateHandler<E>) -> Self {
        self.handlers.insert(E::KIND, Box::new(Decoding(handler, PhantomData)));
        self
    }

    /// Handles messages until asked to stop; then finishes those it has begun.
    pub async fn run(self, broker: Broker, lifecycle: Lifecycle) -> Result<(), BrokerError> {
        let mut subscription = broker.subscribe(&self.queue, PREFETCH).await?;
        let consumer = Arc::new(self);
        // Lanes end with this future, however that ends.
        let mut tasks = JoinSet::new();
        let lanes: Vec<_> = (0..LANES)
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
            let lane = &lanes[lane_of(&delivery.envelope.key)];
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
        while let Some(delivery) = lane.recv().await {
            if lifecycle.is_stopping() {
                delivery.settle(Settlement::Release);
                continue;
            }
            let begun = Instant::now();
            let settlement = self.handle_until_settled(&delivery.envelope, &lifecycle).await;
            self.log(&delivery.envelope, &settlement, begun.elapsed());
            delivery.settle(settlement);
        }
    }

    /// Handles one message, waiting for a database that is down: that is not the message's failure.
    async fn handle_until_settled(&self, envelope: &Envelope, lifecycle: &Lifecycle) -> Settlement {
        loop {
            match self.handle_once(envelope).await {
                Ok(settlement) => return settlement,
                Err(error) => tracing::warn!(
                    queue = self.queue.name, error = %error, "Database cannot be used, waiting for it"
                ),
            }
            tokio::select! {
                () = lifecycle.stopping() => return Settlement::Release,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Handles one message in one transaction. An error means that the database did not begin or commit it.
    async fn handle_once(&self, envelope: &Envelope) -> Result<Settlement, DbErr> {
        let Some(handler) = self.handlers.get(envelope.kind.as_str()) else {
            return Ok(Settlement::Dead {
                reason: format!("no handler for events of kind {}", envelope.kind),
            });
        };
        let txn = self.db.begin().await?;
        if !inbox::enter(&txn, self.queue.name, envelope.message_id).await? {
            return Ok(Settlement::Done);
        }
        let handling = AssertUnwindSafe(handler.handle(&txn, envelope)).catch_unwind();
        let outcome = handling.await.unwrap_or_else(|panic| Err(Failure::Retry(panic_text(panic.as_ref()))));
        match outcome {
            Ok(()) => match txn.commit().await {
                Ok(()) => Ok(Settlement::Done),
                // A constraint that is checked at the commit: the handler's doing, not the database's.
                Err(error) if self.db.violation(&error).is_some() => {
                    Ok(self.next_attempt(envelope.attempt, error.to_string()))
                }
                Err(error) => Err(error),
            },
            Err(Failure::Reject(reason)) => Ok(Settlement::Dead { reason }),
            Err(Failure::Retry(reason)) => {
                drop(txn);
                // It may have failed because the database went away under it: that uses up no attempt.
                self.db.reader().ping().await?;
                Ok(self.next_attempt(envelope.attempt, reason))
            }
        }
    }

    fn next_attempt(&self, failures: u32, reason: String) -> Settlement {
        match self.queue.ladder.wait_after(failures) {
            Some(after) => Settlement::Retry { after, reason },
            None => Settlement::Dead { reason },
        }
    }

    fn log(&self, envelope: &Envelope, settlement: &Settlement, time: Duration) {
        let (queue, kind, id) = (self.queue.name, envelope.kind.as_str(), envelope.message_id);
        let ms = time.as_millis();
        metrics::counter!(MESSAGES, "queue" => queue, "outcome" => outcome_of(settlement)).increment(1);
        metrics::histogram!(MESSAGE_TIME, "queue" => queue).record(time);
        match settlement {
            Settlement::Done | Settlement::Release => {
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
}

const fn outcome_of(settlement: &Settlement) -> &'static str {
    match settlement {
        Settlement::Done => "done",
        Settlement::Retry { .. } => "retry",
        Settlement::Dead { .. } => "dead",
        Settlement::Release => "released",
    }
}

fn lane_of(key: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    usize::try_from(hasher.finish() % LANES as u64).expect("fewer lanes than a usize counts")
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", text.unwrap_or("no message"))
}
