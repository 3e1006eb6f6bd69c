//! The broker of the embedded shape: its queues are rows of one SQLite file.
//!
//! The file has one process (the data folder is locked), so which message is being handled is known in memory; a
//! restart hands out everything that was not settled.

mod mailbox;
mod migration;
mod store;
mod subscription;
mod turns;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scrm_db::{Batcher, Database, Db, Publish, PublishError};
use scrm_kernel::{Clock, Lifecycle, crash};
use scrm_proto::Envelope;
use sea_orm::DbErr;
use tokio::sync::watch;

use self::mailbox::Mailboxes;
use self::store::{Op, Store};
use self::subscription::Source;
use self::turns::{Hand, Turns};
use crate::delivery::{DeadLetters, Handed, Subscription};
use crate::topology::{self, Queue, Rank, Topology, UNROUTED};
use crate::transport::{BrokerError, QueueState, Transport};

/// Publishes, settlements and retries that share one flush at most.
const GROUP: usize = 4096;
/// Publishes of one relay that are handed over and not written yet.
const UNDER_WAY: usize = 256;
/// How long events that nobody wanted are kept.
const KEEP_UNROUTED: Duration = Duration::from_hours(7 * 24);
/// How often they are swept.
const SWEEP: Duration = Duration::from_hours(1);

/// A broker in this process. Cheap to clone.
#[derive(Clone)]
pub struct Embedded {
    db: Db,
    topology: Arc<Topology>,
    writer: Batcher<Store>,
    mailboxes: Arc<Mailboxes>,
    turns: Arc<Turns>,
    /// Set at the end; subscriptions end with it.
    closed: Arc<watch::Sender<bool>>,
}

impl Embedded {
    /// Opens the queues kept in `file`, which is made when it is not there.
    pub async fn open(file: &Path, topology: Topology, clock: Clock) -> Result<Self, BrokerError> {
        let unusable = |error: DbErr| BrokerError(format!("cannot open {}: {error}", file.display()));
        let database = Database::File(file.to_owned());
        let db = Db::open::<migration::Migrator>(&database, clock).await.map_err(unusable)?;
        let mailboxes = Arc::new(Mailboxes::after(store::last_id(&db).await.map_err(unusable)?));
        let store = Store::new(db.clock().clone(), Arc::clone(&mailboxes));
        let writer = Batcher::start(db.clone(), store, GROUP);
        let topology = Arc::new(topology);
        Ok(Self { db, topology, writer, mailboxes, turns: Arc::default(), closed: Arc::default() })
    }

    /// Starts the job that forgets unrouted events after 7 days.
    pub fn sweep(&self, lifecycle: &Lifecycle) {
        let (db, clock) = (self.db.clone(), self.db.clock().clone());
        lifecycle.every(SWEEP, &clock, "forget unrouted events", move || {
            let db = db.clone();
            async move { store::forget_unrouted(&db, db.clock().now() - KEEP_UNROUTED).await }
        });
    }

    fn hand_out<M: Handed>(&self, queue: String, rank: Rank, prefetch: usize) -> Subscription<M> {
        let source = Source {
            db: self.db.clone(),
            writer: self.writer.clone(),
            mailboxes: Arc::clone(&self.mailboxes),
            closed: self.closed.subscribe(),
        };
        subscription::start(source, queue, Hand::new(Arc::clone(&self.turns), rank, prefetch))
    }

    /// Puts messages into queues; all of them, or none. They are handed over at once, and written within a while.
    async fn put(
        &self,
        messages: Vec<Envelope>,
        queues: impl Fn(&Envelope) -> Vec<&'static str>,
    ) -> Vec<Result<(), PublishError>> {
        let count = messages.len();
        let written = async {
            let place = self.writer.place().await?;
            let answer = self.mailboxes.put(messages, queues, |rows| place.put(Op::Put(rows)));
            crash::point("embedded.handed");
            answer.await
        };
        let outcome = written.await;
        vec![outcome.map_err(|error| PublishError::NotNow(error.to_string())); count]
    }

    /// Returns the queues that want a message, or the one of those that none wants.
    fn queues_for(&self, message: &Envelope) -> Vec<&'static str> {
        let mut queues: Vec<_> = self.topology.queues_for(&message.kind).collect();
        if queues.is_empty() {
            queues.push(UNROUTED);
        }
        queues
    }

    /// Ends all subscriptions, and closes the file once what was published is in it.
    ///
    /// What is not settled by then comes again when the file is opened the next time.
    pub async fn close(self) -> Result<(), BrokerError> {
        self.closed.send_replace(true);
        self.db.close().await.map_err(|error| BrokerError(error.to_string()))
    }
}

#[async_trait]
impl Publish for Embedded {
    fn most_under_way(&self) -> usize {
        UNDER_WAY
    }

    async fn publish(&self, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
        self.put(messages, |message| self.queues_for(message)).await
    }
}

#[async_trait]
impl Transport for Embedded {
    async fn subscribe(&self, queue: &Queue, prefetch: usize) -> Result<Subscription, BrokerError> {
        Ok(self.hand_out(queue.name.to_owned(), queue.rank, prefetch))
    }

    async fn dead_letters(&self, queue: &Queue, prefetch: usize) -> Result<DeadLetters, BrokerError> {
        Ok(self.hand_out(topology::dead(queue.name), Rank::Later, prefetch))
    }

    async fn redrive(&self, queue: &Queue, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
        self.put(messages, |_| vec![queue.name]).await
    }

    async fn queues(&self) -> Result<Vec<QueueState>, BrokerError> {
        store::queues(&self.db).await.map_err(|error| BrokerError(error.to_string()))
    }
}
