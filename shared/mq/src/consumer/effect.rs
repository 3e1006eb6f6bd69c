//! The loop around effect handlers: claim and commit, call, record and commit, acknowledge.

mod desk;
mod work;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures::FutureExt as _;
use scrm_db::{Db, Txn};
use scrm_kernel::{Lifecycle, Timestamp, crash};
use scrm_proto::{Envelope, Event};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use self::desk::Desk;
use self::work::{ToClaim, ToRecord, Work};
use super::{Failure, log, panic_text, step_of};
use crate::delivery::{Delivery, Settlement};
use crate::topology::Queue;
use crate::transport::{Broker, BrokerError, Coming};

/// What a claim came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim<Unit> {
    /// The call is to be made, by whoever got this.
    Call(Unit),
    /// No call is needed: it was made before, or is superseded, or switched off.
    Nothing,
    /// Another one may be about to make it.
    Busy {
        /// When that one's lease is over.
        until: Timestamp,
    },
}

/// What happens to a message after its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It may go.
    Done,
    /// It comes again after a while, because of this.
    Retry(String),
    /// It goes to the dead letters, because of this.
    Dead(String),
}

/// Calls something outside because of an event, at most once for each claim.
///
/// The unit is a row of the author's: `wanted`, then `calling` with the number of the attempt and a lease, then what
/// became of it. After a crash between claim and record, [`claim`](Self::claim) is asked again and finds the row
/// `calling`. While the lease lasts it says [`Claim::Busy`]; after it the earlier call's outcome is unclear, and the
/// rule of that effect says whether to look or to call again. A lease lasts longer than the call can take, so the call
/// has a time-out of its own.
#[async_trait]
pub trait EffectHandler<E: Event>: Send + Sync + 'static {
    /// What was claimed: the number of the attempt, and what the call needs.
    type Unit: Send + Sync + 'static;
    /// What became of the call.
    type Outcome: Send + Sync + 'static;

    /// Waits for what the claim will want to know, outside any transaction; most have nothing to wait for.
    async fn prepare(&self, _event: &E, _envelope: &Envelope) {}

    /// Claims the unit, by a guarded update, in a transaction that is committed before the call. Other messages of the
    /// kind share it; what this one did alone is taken back if it fails.
    async fn claim(&self, txn: &Txn, event: &E, envelope: &Envelope) -> Result<Claim<Self::Unit>, Failure>;

    /// Whether it implements [`claim_at_once`](Self::claim_at_once).
    const CLAIMS_AT_ONCE: bool = false;

    /// Claims units of those of several events that can be claimed at once, and returns what that came to; `None` for the
    /// others, which are claimed alone afterwards. If it fails, all of it is taken back and each is claimed alone. All
    /// events are of one enterprise, and each is of another key.
    async fn claim_at_once(
        &self,
        _txn: &Txn,
        events: &[(&E, &Envelope)],
    ) -> Result<Vec<Option<Claim<Self::Unit>>>, Failure> {
        Ok(events.iter().map(|_| None).collect())
    }

    /// Makes the call, outside any transaction. If it panics the outcome is unclear, and nothing is recorded.
    async fn call(&self, unit: &Self::Unit) -> Self::Outcome;

    /// Records what became of the call, in a second such transaction, and says what happens to the message.
    ///
    /// While the process lives it is asked again until this succeeds, the call being made already: five times if it
    /// fails by itself, for ever if the database cannot be used. So it may be asked about what it recorded before, if
    /// the commit succeeded without the answer arriving.
    async fn record(&self, txn: &Txn, unit: &Self::Unit, outcome: &Self::Outcome) -> Result<Next, Failure>;

    /// Whether it implements [`record_at_once`](Self::record_at_once).
    const RECORDS_AT_ONCE: bool = false;

    /// Records what became of those of several calls that can be recorded at once, as
    /// [`claim_at_once`](Self::claim_at_once) claims.
    async fn record_at_once(
        &self,
        _txn: &Txn,
        calls: &[(&Self::Unit, &Self::Outcome)],
    ) -> Result<Vec<Option<Next>>, Failure> {
        Ok(calls.iter().map(|_| None).collect())
    }

    /// Notes that the message goes to the dead letters, whatever that is because of: nobody will call for it unless a
    /// person has it put back. For units that others wait for; most have nothing to note.
    ///
    /// It has a transaction of its own. What fails in it is taken back and keeps no letter from its place, and a
    /// process that dies here meets the message, and the row as it left it, again.
    async fn given_up(&self, _txn: &Txn, _event: &E, _envelope: &Envelope) -> Result<(), Failure> {
        Ok(())
    }
}

/// An effect handler of any kind of event.
#[async_trait]
trait AnyEffect: Send + Sync {
    async fn carry_out(&self, work: Work<'_>) -> Settlement;
}

struct Decoding<E: Event, H: EffectHandler<E>> {
    handler: Arc<H>,
    claims: Desk<ToClaim<E, H>>,
    records: Desk<ToRecord<E, H>>,
}

#[async_trait]
impl<E: Event, H: EffectHandler<E>> AnyEffect for Decoding<E, H> {
    async fn carry_out(&self, work: Work<'_>) -> Settlement {
        let event = match work.envelope.open::<E>() {
            Ok(event) => Arc::new(event),
            Err(error) => return work.failed(Failure::Reject(error.to_string())),
        };
        match self.call_out(&work, &event).await {
            Settlement::Dead { reason } => work.give_up(self, &event, reason).await,
            settlement => settlement,
        }
    }
}

impl<E: Event, H: EffectHandler<E>> Decoding<E, H> {
    async fn call_out(&self, work: &Work<'_>, event: &Arc<E>) -> Settlement {
        let prepared = AssertUnwindSafe(self.handler.prepare(event, work.envelope)).catch_unwind().await;
        if let Err(panic) = prepared {
            return work.failed(Failure::Retry(panic_text(panic.as_ref())));
        }
        let unit = match work.claim(self, event).await {
            Ok(unit) => Arc::new(unit),
            Err(settlement) => return settlement,
        };
        crash::point("effect.claimed");
        let outcome = AssertUnwindSafe(self.handler.call(&unit)).catch_unwind().await;
        crash::point("effect.called");
        let settlement = match outcome {
            Ok(outcome) => work.record(self, &unit, outcome).await,
            Err(panic) => work.failed(Failure::Retry(panic_text(panic.as_ref()))),
        };
        crash::point("effect.recorded");
        settlement
    }
}

/// The consumer of one queue, with an effect handler for each kind of event in it.
///
/// Messages are handled beside each other, those of one key too: no order is promised.
pub struct Effects {
    queue: Queue,
    db: Db,
    concurrency: usize,
    handlers: HashMap<&'static str, Box<dyn AnyEffect>>,
}

impl Effects {
    /// Makes a consumer of `queue` with at most `concurrency` messages in hand, whose handlers have their units in `db`.
    pub fn new(queue: Queue, db: Db, concurrency: usize) -> Self {
        Self { queue, db, concurrency: concurrency.max(1), handlers: HashMap::new() }
    }

    /// Lets `handler` handle the events of its kind.
    #[must_use]
    pub fn on<E: Event>(mut self, handler: impl EffectHandler<E>) -> Self {
        let handler = Arc::new(handler);
        let (pace, most) = (|| self.queue.rank.pace(&self.db), self.concurrency);
        let decoding = Decoding { handler, claims: Desk::at(pace(), most), records: Desk::at(pace(), most) };
        self.handlers.insert(E::KIND, Box::new(decoding));
        self
    }

    /// Handles messages until asked to stop; then finishes those it has begun, their calls included.
    ///
    /// How long that may take is the patience of `lifecycle`. A call that is ended by it is a call with an unclear
    /// outcome.
    pub fn run(
        self,
        broker: Broker,
        lifecycle: Lifecycle,
    ) -> impl Future<Output = Result<(), BrokerError>> + Send {
        let coming = broker.coming();
        self.consume(broker, coming, lifecycle)
    }

    async fn consume(self, broker: Broker, coming: Coming, lifecycle: Lifecycle) -> Result<(), BrokerError> {
        let mut subscription = broker.subscribe(&self.queue, self.concurrency).await?;
        coming.has_come();
        let consumer = Arc::new(self);
        // After a lost connection the broker gives out anew what is still in hand here.
        let places = Arc::new(Semaphore::new(consumer.concurrency));
        // Tasks end with this future, however that ends.
        let mut tasks = JoinSet::new();
        while !lifecycle.is_stopping() {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes it");
                (subscription.deliveries.recv().await, place)
            };
            let (delivery, place) = tokio::select! {
                () = lifecycle.stopping() => break,
                next = next => next,
            };
            let Some(delivery) = delivery else {
                return Err(BrokerError(format!("the subscription to {} ended", consumer.queue.name)));
            };
            let (consumer, lifecycle) = (Arc::clone(&consumer), lifecycle.clone());
            tasks.spawn(async move {
                consumer.handle(delivery, &lifecycle).await;
                drop(place);
            });
            while let Some(ended) = tasks.try_join_next() {
                ended.map_err(|error| BrokerError(error.to_string()))?;
            }
        }

        // Nothing more comes; what was not begun is given back.
        subscription.deliveries.close();
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| BrokerError(error.to_string()))?;
        }
        subscription.finish().await;
        Ok(())
    }

    async fn handle(&self, delivery: Delivery, lifecycle: &Lifecycle) {
        let (envelope, begun) = (Arc::new(delivery.envelope.clone()), Instant::now());
        let work = Work { queue: &self.queue, db: &self.db, envelope: &envelope, lifecycle };
        let settlement = match self.handlers.get(envelope.kind.as_str()) {
            Some(handler) => {
                let step = step_of(self.queue.name, &envelope);
                handler.carry_out(work).instrument(step).await
            }
            None => work.failed(Failure::Reject(format!("no handler for events of kind {}", envelope.kind))),
        };
        log(self.queue.name, &envelope, &settlement, begun.elapsed());
        delivery.settle(settlement);
    }
}
