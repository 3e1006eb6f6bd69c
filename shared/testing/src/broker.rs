//! A broker for one test, which also shows what was published.

use std::sync::{Arc, Mutex, PoisonError};

use scrm_db::{Database, Db, Publish as _};
use scrm_kernel::Clock;
use scrm_mq::embedded::Embedded;
use scrm_mq::{Broker, Ladder, Queue, Settlement, Topology, topology};
use scrm_proto::{Envelope, Event};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::eventually;

/// Gets a copy of every event.
const CAPTURE: Queue = Queue { name: "testing.capture", kinds: scrm_proto::KINDS, ladder: Ladder::Standard };
/// Captured messages that are taken at once.
const PREFETCH: usize = 200;

/// A message that a consumer gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// What it tells of.
    pub key: String,
    /// Why it was given up.
    pub reason: String,
}

/// A new broker with some queues, and one more that sees every event.
pub struct TestBroker {
    broker: Broker,
    transport: Embedded,
    folder: TempDir,
    seen: Arc<Mutex<Vec<Envelope>>>,
    capture: JoinHandle<()>,
}

impl TestBroker {
    /// Starts a broker with `queues`.
    pub async fn start(queues: &[Queue], clock: Clock) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test's queues can be made");
        let mut all = queues.to_vec();
        all.push(CAPTURE);
        // RabbitMQ, in the distributed shape, is to be plugged in here and in `dead_letters`. Until then both shapes have
        // the embedded broker.
        let transport = Embedded::open(&folder.path().join("queues.sqlite"), Topology::of(all), clock)
            .await
            .expect("a new broker opens");
        let broker = Broker::new(transport.clone());

        let mut subscription = broker.subscribe(&CAPTURE, PREFETCH).await.expect("a new queue has room");
        let seen = Arc::<Mutex<Vec<Envelope>>>::default();
        let seeing = Arc::clone(&seen);
        let capture = tokio::spawn(async move {
            while let Some(delivery) = subscription.deliveries.recv().await {
                seeing.lock().unwrap_or_else(PoisonError::into_inner).push(delivery.envelope.clone());
                delivery.settle(Settlement::Done);
            }
        });
        Self { broker, transport, folder, seen, capture }
    }

    /// Returns what a service is started with.
    pub fn broker(&self) -> Broker {
        self.broker.clone()
    }

    /// Publishes messages, in order, and returns once every queue that wants them has them.
    pub async fn publish(&self, messages: impl IntoIterator<Item = Envelope>) {
        for outcome in self.broker.publish(messages.into_iter().collect()).await {
            outcome.expect("a broker that runs takes messages");
        }
    }

    /// Returns what was published so far, the test's own messages included, in order.
    pub fn published<E: Event>(&self) -> Vec<(Envelope, E)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let of_kind = seen.iter().filter(|envelope| envelope.kind == E::KIND);
        let opened =
            |envelope: &Envelope| (envelope.clone(), envelope.open().expect("what is published opens"));
        of_kind.map(opened).collect()
    }

    /// Waits until every message is handled or given up; what consumers published meanwhile may be on its way.
    pub async fn settled(&self) {
        let mut waiting = Vec::new();
        let idle = async || {
            waiting = self.broker.queues().await.expect("a broker that runs counts its messages");
            let is_dead = |queue: &str| queue.strip_suffix(&topology::dead("")).is_some();
            waiting.retain(|state| !is_dead(&state.queue) && state.queue != topology::UNROUTED);
            waiting.is_empty().then_some(())
        };
        eventually("a broker with nothing to do", idle).await;
    }

    /// Waits for `queue` to give messages up, and returns all that it gave up, oldest first.
    pub async fn dead_letters(&self, queue: &Queue, count: usize) -> Vec<DeadLetter> {
        let file = Database::File(self.folder.path().join("queues.sqlite"));
        let rows = Db::peek(&file, Clock::system()).await.expect("the queues of a test can be read");
        let what = format!("{count} dead letters of {}", queue.name);
        let dead = eventually(&what, async || {
            let statement = Statement::from_sql_and_values(
                DbBackend::Sqlite,
                "SELECT head, reason FROM message WHERE queue = ? ORDER BY id",
                [topology::dead(queue.name).into()],
            );
            let found = rows.reader().query_all_raw(statement).await.expect("queues can be read");
            (found.len() >= count).then_some(found)
        })
        .await;
        rows.close().await.expect("what was read can be closed");
        dead.iter()
            .map(|row| {
                let head: String = row.try_get("", "head").expect("a message has a head");
                let envelope: Envelope = serde_json::from_str(&head).expect("a head is an envelope");
                let reason = row.try_get("", "reason").expect("a dead letter says why");
                DeadLetter { key: envelope.key, reason }
            })
            .collect()
    }

    /// Ends the broker; call it when the services that use it have stopped.
    pub async fn finish(self) {
        self.capture.abort();
        self.transport.close().await.expect("a broker closes");
    }
}
