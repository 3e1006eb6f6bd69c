//! A broker for one test, which also shows what was published.

use std::sync::{Arc, Mutex, PoisonError};

use scrm_db::{Db, Publish as _, outbox};
use scrm_kernel::{Clock, MessageId};
use scrm_mq::embedded::Embedded;
use scrm_mq::rabbit::{Rabbit, RabbitConfig};
use scrm_mq::{Broker, Ladder, Queue, Rank, Settlement, Topology};
use scrm_proto::{Envelope, Event};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::ledger::{Counted, Ledger};
use crate::{Shape, eventually};

/// Gets a copy of every event.
const CAPTURE: Queue = Queue {
    name: "testing.capture",
    kinds: scrm_proto::KINDS,
    ladder: Ladder::Custom(&[]),
    rank: Rank::First,
};
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
///
/// On RabbitMQ it is a part of the server whose names have a prefix of their own.
pub struct TestBroker {
    broker: Broker,
    ledger: Ledger,
    transport: Transport,
    seen: Arc<Mutex<Vec<Envelope>>>,
    capture: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

enum Transport {
    Embedded(Embedded, #[expect(dead_code, reason = "kept for its drop")] TempDir),
    Rabbit(Rabbit),
}

impl TestBroker {
    /// Starts a broker of the chosen shape with `queues`.
    ///
    /// The embedded one waits for retries by `clock`, RabbitMQ by its own.
    pub async fn start(queues: &[Queue], clock: Clock) -> Self {
        let topology = Topology::of([queues, &[CAPTURE]].concat());
        let ledger = Ledger::default();
        let (transport, broker) = match Shape::chosen() {
            Shape::Embedded => {
                let folder = tempfile::tempdir().expect("a folder for the test's queues can be made");
                let file = folder.path().join("queues.sqlite");
                let embedded =
                    Embedded::open(&file, topology.clone(), clock).await.expect("a new broker opens");
                let broker = Broker::new(Counted::new(embedded.clone(), topology, ledger.clone()));
                (Transport::Embedded(embedded, folder), broker)
            }
            Shape::Distributed => {
                let rabbit = connect(topology.clone()).await;
                let broker = Broker::new(Counted::new(rabbit.clone(), topology, ledger.clone()));
                (Transport::Rabbit(rabbit), broker)
            }
        };

        let mut subscription = broker.subscribe(&CAPTURE, PREFETCH).await.expect("a new queue has room");
        let seen = Arc::<Mutex<Vec<Envelope>>>::default();
        let seeing = Arc::clone(&seen);
        let (stop, mut stopped) = oneshot::channel();
        let capture = tokio::spawn(async move {
            loop {
                let delivery = tokio::select! {
                    _ = &mut stopped => break,
                    delivery = subscription.deliveries.recv() => delivery,
                };
                let Some(delivery) = delivery else { break };
                seeing.lock().unwrap_or_else(PoisonError::into_inner).push(delivery.envelope.clone());
                delivery.settle(Settlement::Done);
            }
            subscription.finish().await;
        });
        Self { broker, ledger, transport, seen, capture, stop }
    }

    /// Returns what a service is started with; its replicas share it.
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
        eventually("a broker with nothing to do", async || self.is_settled().then_some(())).await;
    }

    /// Waits until every message is handled or given up, and everything that `rows` had to publish, however often one
    /// event causes the next.
    pub async fn at_rest(&self, rows: &Db) {
        eventually("a broker and an outbox with nothing to do", async || {
            let turn = self.ledger.settled_turn()?;
            let waiting = outbox::waiting(rows.reader()).await.expect("an outbox can be counted");
            // A row that left the outbox before it was counted is a message by now, and a turn of its own.
            (waiting == 0 && self.ledger.settled_turn() == Some(turn)).then_some(())
        })
        .await;
    }

    /// Reports whether every message is handled or given up.
    pub fn is_settled(&self) -> bool {
        self.ledger.is_settled()
    }

    /// Waits for `queue` to give messages up, and returns all that it gave up, oldest first.
    ///
    /// A service takes them out of the broker: its `dead-letters` route shows what it keeps of them.
    pub async fn dead_letters(&self, queue: &Queue, count: usize) -> Vec<DeadLetter> {
        let what = format!("{count} dead letters of {}", queue.name);
        let given_up = async || Some(self.ledger.dead(queue.name)).filter(|dead| dead.len() >= count);
        eventually(&what, given_up).await
    }

    /// Ends the broker and removes its queues; call it when the services that use it have stopped.
    pub async fn finish(self) {
        // First the channel of the subscription, then the connection: RabbitMQ's client fails when both close at once.
        drop(self.stop);
        self.capture.await.expect("what captures does not panic");
        match self.transport {
            Transport::Embedded(embedded, _) => embedded.close().await.expect("a broker closes"),
            Transport::Rabbit(rabbit) => {
                rabbit.delete().await.expect("queues can be deleted");
                rabbit.close().await.expect("a connection closes");
            }
        }
    }
}

/// Returns where the RabbitMQ of the tests is.
pub fn amqp_url() -> String {
    scrm_config::variable("SCRM_TEST_AMQP_URL").expect(
        "SCRM_TEST_AMQP_URL names RabbitMQ: tests/services.sh up rabbitmq; eval \"$(tests/services.sh env)\"",
    )
}

async fn connect(topology: Topology) -> Rabbit {
    let prefix = format!("test-{}.", MessageId::mint(Clock::system().now()).as_uuid().simple());
    let config = RabbitConfig { url: amqp_url().into(), prefix };
    Rabbit::connect(config, topology).await.expect("the RabbitMQ of the tests answers")
}
