//! Keeps what the consumers of a service gave up, and what it cannot read of what came from outside, in the service's own
//! database, until a person decides.
//!
//! A letter leaves the broker when its row is committed. It may come twice (RabbitMQ does not confirm
//! acknowledgements), so a row has a natural key: queue and message. What comes again while it waits changes nothing;
//! what comes again after it was redriven has died again, and waits again.

mod entity;
mod letter;
mod migration;
mod office;
mod redrive;
mod store;
mod watch;

use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::{KeyRing, Lifecycle, crash};
use sea_orm::DbErr;
use tokio::task::JoinSet;

pub use letter::{DeadLetter, Filter, Outside, Refusal, State};
pub use migration::DeadLetterTable;
pub use office::{Chosen, Office};
pub use store::{keep_outside, take_back};

use crate::delivery::{Delivery, Settlement, Unreadable};
use crate::topology::{Queue, Topology};
use crate::transport::{Broker, BrokerError};
use scrm_proto::Envelope;

/// Letters that share a transaction.
const GROUP: usize = 64;
/// Letters of a queue held at once.
const PREFETCH: usize = 128;
/// How long to wait for a database that is down.
const PAUSE: Duration = Duration::from_millis(500);

/// A dead letter as the broker hands it out.
type Letter = Delivery<Result<Envelope, Unreadable>>;

/// Takes the dead letters of a service's queues out of the broker, and puts those back that are redriven.
#[derive(Debug, Clone)]
pub struct Keeper {
    office: Office,
    queues: Vec<Queue>,
}

impl Keeper {
    /// Makes the keeper of a service: of all queues that are named after it.
    pub fn of(service: &str, db: Db, keys: KeyRing) -> Self {
        let is_ours = |queue: &Queue| queue.name.split('.').next() == Some(service);
        let queues = Topology::of_all_services().queues().iter().copied().filter(is_ours).collect();
        Self::of_queues(queues, db, keys)
    }

    /// Makes the keeper of these queues.
    pub fn of_queues(queues: Vec<Queue>, db: Db, keys: KeyRing) -> Self {
        Self { office: Office::new(db, keys), queues }
    }

    /// Returns where people look at the letters and decide.
    pub const fn office(&self) -> &Office {
        &self.office
    }

    /// Takes letters and puts letters back until asked to stop.
    pub async fn run(self, broker: Broker, lifecycle: Lifecycle) -> Result<(), BrokerError> {
        // Tasks end with this future, however that ends.
        let mut tasks = JoinSet::new();
        for queue in &self.queues {
            tasks.spawn(self.clone().keep(*queue, broker.clone(), lifecycle.clone()));
        }
        tasks.spawn(redrive::run(self.office.clone(), self.queues.clone(), broker, lifecycle));
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| BrokerError(error.to_string()))??;
        }
        Ok(())
    }

    /// Starts the jobs around the letters: gauges of those that wait, and forgetting those that were decided on.
    pub fn watch(&self, lifecycle: &Lifecycle) {
        watch::start(&self.office, &self.queues, lifecycle);
    }

    /// Takes the letters of one queue.
    async fn keep(self, queue: Queue, broker: Broker, lifecycle: Lifecycle) -> Result<(), BrokerError> {
        let mut subscription = broker.dead_letters(&queue, PREFETCH).await?;
        while !lifecycle.is_stopping() {
            let mut letters = Vec::with_capacity(GROUP);
            let taken = tokio::select! {
                () = lifecycle.stopping() => break,
                taken = subscription.deliveries.recv_many(&mut letters, GROUP) => taken,
            };
            if taken == 0 {
                return Err(BrokerError(format!(
                    "the subscription to the dead letters of {} ended",
                    queue.name
                )));
            }
            let settlement = self.keep_or_stop(&queue, &letters, &lifecycle).await;
            crash::point("keeper.kept");
            for letter in letters {
                letter.settle(settlement.clone());
            }
        }
        subscription.finish().await;
        Ok(())
    }

    /// Stores letters, waiting for a database that is down; returns what that means for them.
    async fn keep_or_stop(&self, queue: &Queue, letters: &[Letter], lifecycle: &Lifecycle) -> Settlement {
        while let Err(error) = self.keep_all(queue, letters).await {
            tracing::warn!(queue = queue.name, error = %error, "Dead letters cannot be stored, trying again");
            tokio::select! {
                () = lifecycle.stopping() => return Settlement::Release,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        Settlement::Done
    }

    /// Stores letters in one transaction.
    async fn keep_all(&self, queue: &Queue, letters: &[Letter]) -> Result<(), DbErr> {
        let txn = self.office.db().begin().await?;
        for letter in letters {
            let reason = letter.reason.as_deref();
            store::keep(&txn, self.office.keys(), queue.name, &letter.envelope, reason).await?;
        }
        crash::point("keeper.written");
        txn.commit().await
    }
}
