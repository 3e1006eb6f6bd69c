//! A broker of the chosen shape, a database with a table that handlers write to, and consumers that can be stopped.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use prost::Message as _;
use scrm_db::migration::EventTables;
use scrm_db::{Db, Publish as _, Txn};
use scrm_kernel::time::from_millis;
use scrm_kernel::{Clock, CorpId, Lifecycle, MessageId, Timestamp};
use scrm_mq::embedded::Embedded;
use scrm_mq::keeper::DeadLetterTable;
use scrm_mq::rabbit::{Rabbit, RabbitConfig};
use scrm_mq::{
    Broker, BrokerError, Consumer, Failure, Ladder, Queue, Rank, Settlement, StateHandler, Subscription,
    Topology,
};
use scrm_proto::leads::v1::LeadAssigned;
use scrm_proto::wecom::v1::ContactAdded;
use scrm_proto::{Envelope, Event};
use scrm_testing::TestDatabase;
use sea_orm::{ConnectionTrait as _, DbErr, DeriveMigrationName, Statement};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};
use tempfile::TempDir;
use tokio::sync::{Barrier, Mutex, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it looks.
const TICK: Duration = Duration::from_millis(5);

/// What most tests publish into.
pub(crate) const FLOW: Queue = Queue {
    name: "test.flow",
    kinds: &[ContactAdded::KIND, LeadAssigned::KIND],
    ladder: Ladder::Custom(&[Duration::from_millis(400), Duration::from_millis(800)]),
    rank: Rank::First,
};

/// A broker and a database of a test.
pub(crate) struct Rig {
    pub(crate) db: Db,
    database: TestDatabase,
    transport: Option<Link>,
    broker: watch::Sender<Broker>,
    /// Dead letters are taken through one subscription for each queue, which stays open until the end: RabbitMQ does not
    /// confirm acknowledgements, and gives out again what its queue has not seen when the channel is closed.
    dead: Mutex<HashMap<&'static str, Subscription>>,
    topology: Topology,
    /// RabbitMQ, if this test has one of its own.
    own: Option<OwnRabbit>,
    folder: TempDir,
}

/// The transport behind the broker.
enum Link {
    Embedded(Embedded),
    Rabbit(Rabbit),
}

impl Rig {
    /// Starts a broker with these queues.
    pub(crate) async fn start(queues: &[Queue]) -> Self {
        Self::start_with(queues, None, tempfile::tempdir().unwrap()).await
    }

    /// Starts a broker that this test may kill.
    pub(crate) async fn start_alone(queues: &[Queue]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let own = if is_distributed() { Some(OwnRabbit::start(folder.path()).await) } else { None };
        Self::start_with(queues, own, folder).await
    }

    async fn start_with(queues: &[Queue], own: Option<OwnRabbit>, folder: TempDir) -> Self {
        let topology = Topology::of(queues.to_vec());
        let (transport, broker) = open(&folder, own.as_ref(), &topology).await;
        let database = TestDatabase::new("mq").await;
        let db = open_db(&database).await;
        let broker = watch::Sender::new(broker);
        Self {
            db,
            database,
            transport: Some(transport),
            broker,
            dead: Mutex::default(),
            topology,
            own,
            folder,
        }
    }

    /// Returns the name of a queue on RabbitMQ.
    pub(crate) fn name_on_rabbit(&self, queue: &str) -> String {
        format!("{}{queue}", prefix(&self.folder))
    }

    /// Returns the file of the embedded broker.
    pub(crate) fn broker_file(&self) -> PathBuf {
        self.folder.path().join("broker.db")
    }

    pub(crate) fn broker(&self) -> Broker {
        self.broker.borrow().clone()
    }

    /// Loses everything that the process knows, as a crash does, and starts again.
    pub(crate) async fn crash(&mut self) {
        self.close().await;
        let (transport, broker) = open(&self.folder, self.own.as_ref(), &self.topology).await;
        self.transport = Some(transport);
        self.broker.send_replace(broker);
    }

    /// Kills the broker and starts it again. The embedded one lives in the process, which dies with it.
    pub(crate) async fn kill_broker(&mut self) {
        match &self.own {
            Some(rabbit) => rabbit.kill().await,
            None => self.crash().await,
        }
    }

    /// Opens the database again after a test has closed it.
    pub(crate) async fn reopen_db(&mut self) {
        self.db = open_db(&self.database).await;
    }

    /// Publishes until every message is taken; what a relay does.
    pub(crate) async fn publish(&self, messages: Vec<Envelope>) {
        publish(self.broker.subscribe(), messages).await;
    }

    /// Publishes as [`publish`](Self::publish) does, while the test goes on.
    pub(crate) fn publish_meanwhile(&self, windows: Vec<Vec<Envelope>>) -> JoinHandle<()> {
        let broker = self.broker.subscribe();
        tokio::spawn(async move {
            for window in windows {
                publish(broker.clone(), window).await;
            }
        })
    }

    /// Starts a consumer that does what `script` says, again and again until it is stopped.
    pub(crate) fn consume(
        &self,
        queue: Queue,
        script: impl Fn(&Seen) -> Step + Send + Sync + 'static,
    ) -> Worker {
        let (seen, received) = mpsc::unbounded_channel();
        let handler = Scripted { consumer: queue.name, script: Arc::new(script), seen };
        let db = self.db.clone();
        self.keep_running(received, move |broker, lifecycle| {
            let consumer = Consumer::new(queue, db.clone()).on::<ContactAdded>(handler.clone());
            consumer.run(broker, lifecycle)
        })
    }

    /// Runs a consumer again and again until it is stopped.
    pub(crate) fn keep_running<T, R>(
        &self,
        received: mpsc::UnboundedReceiver<T>,
        run: impl Fn(Broker, Lifecycle) -> R + Send + 'static,
    ) -> Worker<T>
    where
        R: Future<Output = Result<(), BrokerError>> + Send,
    {
        let (lifecycle, mut broker) = (Lifecycle::new(), self.broker.subscribe());
        let task = tokio::spawn({
            let lifecycle = lifecycle.clone();
            async move {
                while !lifecycle.is_stopping() {
                    let now = broker.borrow_and_update().clone();
                    if run(now, lifecycle.clone()).await.is_err() {
                        // As after a crash of the process: with the broker that comes next.
                        broker.changed().await.unwrap();
                    }
                }
            }
        });
        Worker { lifecycle, task, received }
    }

    /// What the handlers of `queue` wrote, by key.
    pub(crate) async fn effects(&self, queue: Queue) -> BTreeMap<String, Effect> {
        let sql = "SELECT key, newest, total, times FROM effect WHERE consumer = $1";
        let statement =
            Statement::from_sql_and_values(self.db.writer().get_database_backend(), sql, [queue.name.into()]);
        let rows = self.db.reader().query_all_raw(statement).await.unwrap();
        let effect = |row: &sea_orm::QueryResult| -> Result<_, DbErr> {
            let key: String = row.try_get("", "key")?;
            let (newest, total) = (row.try_get("", "newest")?, row.try_get("", "total")?);
            Ok((key, Effect { newest, total, times: row.try_get("", "times")? }))
        };
        rows.iter().map(|row| effect(row).unwrap()).collect()
    }

    /// Returns how many messages the handlers of `queue` have handled to the end.
    pub(crate) async fn handled(&self, queue: Queue) -> i64 {
        self.effects(queue).await.values().map(|effect| effect.times).sum()
    }

    /// Waits until `queue` has handled so many messages, and not one more.
    pub(crate) async fn wait_for_handled(&self, queue: Queue, count: i64) {
        eventually(&format!("{count} messages are handled"), async || self.handled(queue).await >= count)
            .await;
        assert_eq!(self.handled(queue).await, count);
    }

    /// Returns since when the oldest message has been in `queue`.
    pub(crate) async fn oldest_in(&self, queue: &str) -> Option<Timestamp> {
        let queues = self.broker().queues().await.unwrap();
        queues.iter().find(|state| state.queue == queue).and_then(|state| state.oldest)
    }

    /// Returns how many messages the broker has in `queue`.
    pub(crate) async fn messages_in(&self, queue: &str) -> u64 {
        let queues = self.broker().queues().await.unwrap();
        queues.iter().filter(|state| state.queue == queue).map(|state| state.messages).sum()
    }

    /// Waits until the broker has so many messages in `queue`.
    pub(crate) async fn wait_for_messages(&self, queue: &str, count: u64) {
        let found = async || self.messages_in(queue).await == count;
        eventually(&format!("{queue} holds {count} messages"), found).await;
    }

    /// Takes `count` dead letters of `queue`: each with the reason.
    pub(crate) async fn take_dead(&self, queue: Queue, count: usize) -> Vec<(Envelope, String)> {
        let dead = Queue { name: scrm_mq::topology::dead(queue.name).leak(), kinds: &[], ..queue };
        let mut open = self.dead.lock().await;
        let subscription = match open.entry(queue.name) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(self.broker().subscribe(&dead, 200).await.unwrap()),
        };
        let mut letters = Vec::new();
        while letters.len() < count {
            let delivery = in_time("a dead letter", subscription.deliveries.recv()).await.unwrap();
            letters.push((delivery.envelope.clone(), delivery.reason.clone().unwrap_or_default()));
            delivery.settle(Settlement::Done);
        }
        self.wait_for_messages(dead.name, 0).await;
        letters
    }

    /// Ends the test: no message may be left.
    pub(crate) async fn finish(mut self) {
        eventually("every queue is empty", async || self.broker().queues().await.unwrap().is_empty()).await;
        for (queue, mut subscription) in self.dead.lock().await.drain() {
            assert!(subscription.deliveries.try_recv().is_err(), "{queue} has more dead letters");
            subscription.finish().await;
        }
        if let Some(Link::Rabbit(rabbit)) = &self.transport {
            rabbit.delete().await.unwrap();
        }
        self.close().await;
        self.db.close().await.unwrap();
        self.database.finish().await;
    }

    async fn close(&mut self) {
        self.dead.get_mut().clear();
        match self.transport.take().unwrap() {
            Link::Embedded(embedded) => embedded.close().await.unwrap(),
            Link::Rabbit(rabbit) => rabbit.close().await.unwrap(),
        }
    }
}

/// Whether the tests run on RabbitMQ.
pub(crate) fn is_distributed() -> bool {
    match scrm_config::variable("SCRM_TEST_SHAPE").as_deref() {
        None | Some("embedded") => false,
        Some("distributed") => true,
        Some(other) => panic!("there is no shape {other}"),
    }
}

/// Where the RabbitMQ of all tests is.
pub(crate) fn shared_rabbit() -> String {
    scrm_config::variable("SCRM_TEST_AMQP_URL").expect("tests/services.sh says where RabbitMQ is")
}

/// The folder's name is no other test's.
fn prefix(folder: &TempDir) -> String {
    format!("test{}.", folder.path().file_name().unwrap().display())
}

async fn open(folder: &TempDir, own: Option<&OwnRabbit>, topology: &Topology) -> (Link, Broker) {
    if is_distributed() {
        let url = own.map_or_else(shared_rabbit, |rabbit| rabbit.url.clone()).into();
        let prefix = prefix(folder);
        let rabbit = Rabbit::connect(RabbitConfig { url, prefix }, topology.clone()).await.unwrap();
        (Link::Rabbit(rabbit.clone()), Broker::new(rabbit))
    } else {
        let file = folder.path().join("broker.db");
        let embedded = Embedded::open(&file, topology.clone(), Clock::system()).await.unwrap();
        (Link::Embedded(embedded.clone()), Broker::new(embedded))
    }
}

/// A RabbitMQ of one test, removed with it.
struct OwnRabbit {
    folder: PathBuf,
    url: String,
}

impl OwnRabbit {
    async fn start(folder: &Path) -> Self {
        let mut rabbit = Self { folder: folder.join("services"), url: String::new() };
        rabbit.services(&["up", "rabbitmq"]).await;
        let places = rabbit.services(&["env"]).await;
        let url = places.lines().find_map(|line| line.strip_prefix("export SCRM_TEST_AMQP_URL="));
        url.unwrap().clone_into(&mut rabbit.url);
        rabbit
    }

    async fn kill(&self) {
        let text = std::fs::read_to_string(self.folder.join("rabbitmq.pid")).unwrap();
        let pid = text.split(' ').next().unwrap().to_owned();
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
        let process = Path::new("/proc").join(pid).join("exe");
        eventually("the broker is dead", async || std::fs::read_link(&process).is_err()).await;
        self.services(&["up", "rabbitmq"]).await;
    }

    async fn services(&self, words: &[&str]) -> String {
        let mut command = tokio::process::Command::from(self.script());
        let output = in_time("tests/services.sh", command.args(words).output()).await.unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn script(&self) -> Command {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/services.sh"));
        command.env("SCRM_SERVICES_DIR", &self.folder);
        command
    }
}

impl Drop for OwnRabbit {
    fn drop(&mut self) {
        let cleaned = self.script().arg("clean").stdout(Stdio::null()).status();
        if !cleaned.is_ok_and(|status| status.success()) {
            eprintln!("a RabbitMQ may be left in {}", self.folder.display());
        }
    }
}

async fn open_db(database: &TestDatabase) -> Db {
    Db::open::<Migrator>(database.database(), Clock::system()).await.unwrap()
}

async fn publish(mut broker: watch::Receiver<Broker>, mut messages: Vec<Envelope>) {
    let all_taken = async {
        while !messages.is_empty() {
            let now = broker.borrow_and_update().clone();
            let outcomes = now.publish(messages.clone()).await;
            let left = messages.drain(..).zip(outcomes).filter(|(_, outcome)| outcome.is_err());
            messages = left.map(|(message, _)| message).collect();
            if !messages.is_empty() {
                tokio::time::sleep(TICK * 20).await;
            }
        }
    };
    in_time("the broker takes what is published", all_taken).await;
}

/// A consumer at work.
pub(crate) struct Worker<T = Seen> {
    lifecycle: Lifecycle,
    task: JoinHandle<()>,
    received: mpsc::UnboundedReceiver<T>,
}

impl<T> Worker<T> {
    /// Returns the next message that the handler was given.
    pub(crate) async fn next(&mut self) -> T {
        in_time("a message is handled", self.received.recv()).await.expect("the consumer goes on")
    }

    /// Returns the next messages that the handler was given.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<T> {
        let mut seen = Vec::new();
        while seen.len() < count {
            seen.push(self.next().await);
        }
        seen
    }

    /// Asks the consumer to stop; it finishes what it has begun.
    pub(crate) fn ask_to_stop(&self) {
        self.lifecycle.stop();
    }

    /// Ends the consumer wherever it stands.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    /// Stops the consumer and returns what its handler was given since the last question.
    pub(crate) async fn stop(mut self) -> Vec<T> {
        self.lifecycle.stop();
        in_time("the consumer stops", self.task).await.unwrap();
        let mut rest = Vec::new();
        while let Some(seen) = self.received.recv().await {
            rest.push(seen);
        }
        rest
    }
}

/// A message as the handler saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) envelope: Envelope,
    /// Its number, as the test gave it.
    pub(crate) number: i64,
    pub(crate) at: Instant,
}

/// What a handler does with a message.
pub(crate) enum Step {
    Handle,
    /// Handle it once the gate lets it through.
    Wait(Arc<Semaphore>),
    /// Lock the effect of its key, and once as many handlers are as far handle it as one about another key.
    Meet(Arc<Barrier>, &'static str),
    /// Handle it, and leave what the commit finds wrong.
    BreakCommit,
    /// Handle it, and fail all the same, as the next three do.
    Retry(&'static str),
    Reject(&'static str),
    Panic(&'static str),
    /// Close the database and fail because of that.
    LoseDatabase(Db),
}

#[derive(Clone)]
struct Scripted {
    consumer: &'static str,
    script: Arc<dyn Fn(&Seen) -> Step + Send + Sync>,
    seen: mpsc::UnboundedSender<Seen>,
}

#[async_trait]
impl StateHandler<ContactAdded> for Scripted {
    async fn handle(&self, txn: &Txn, event: ContactAdded, envelope: &Envelope) -> Result<(), Failure> {
        let number = envelope.received_seq.unwrap_or_default();
        let seen = Seen { envelope: envelope.clone(), number, at: Instant::now() };
        let step = (self.script)(&seen);
        self.seen.send(seen).ok();
        let mut key = event.external_user_id.as_str();
        match &step {
            Step::Wait(gate) => gate.acquire().await.unwrap().forget(),
            Step::Meet(others, key_to_use) => {
                let lock = format!("UPDATE effect SET times = times WHERE key = '{key}'");
                txn.execute_unprepared(&lock).await?;
                others.wait().await;
                key = key_to_use;
            }
            _ => {}
        }
        leave_effect(txn, self.consumer, key, number).await?;
        match step {
            Step::Handle | Step::Wait(_) | Step::Meet(..) => Ok(()),
            Step::BreakCommit => {
                Ok(txn.execute_unprepared("INSERT INTO orphan VALUES (1)").await.map(drop)?)
            }
            Step::Retry(reason) => Err(Failure::Retry(reason.to_owned())),
            Step::Reject(reason) => Err(Failure::Reject(reason.to_owned())),
            Step::Panic(text) => panic!("{text}"),
            Step::LoseDatabase(db) => {
                tokio::spawn(db.clone().close());
                // PostgreSQL may have a further connection until it is closed.
                while db.begin_ahead().await.is_ok() {
                    tokio::task::yield_now().await;
                }
                Err(Failure::Retry("no database".to_owned()))
            }
        }
    }
}

/// What handlers wrote about one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    /// The highest number.
    pub(crate) newest: i64,
    /// The sum of the numbers.
    pub(crate) total: i64,
    /// How many messages were handled.
    pub(crate) times: i64,
}

/// Does what a handler does: right under any order, wrong if a message counts twice.
pub(crate) async fn leave_effect(txn: &Txn, consumer: &str, key: &str, number: i64) -> Result<(), DbErr> {
    let sql = "INSERT INTO effect (consumer, key, newest, total, times) VALUES ($1, $2, $3, $4, 1)
        ON CONFLICT (consumer, key) DO UPDATE SET
            newest = CASE WHEN excluded.newest > effect.newest THEN excluded.newest ELSE effect.newest END,
            total = effect.total + excluded.total, times = effect.times + 1";
    let values = [consumer.into(), key.into(), number.into(), number.into()];
    txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await?;
    Ok(())
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(EventTables), Box::new(DeadLetterTable), Box::new(Effects)]
    }
}

#[derive(DeriveMigrationName)]
struct Effects;

#[async_trait]
impl MigrationTrait for Effects {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in [
            "CREATE TABLE effect (consumer TEXT NOT NULL, key TEXT NOT NULL, newest BIGINT NOT NULL,
                total BIGINT NOT NULL, times BIGINT NOT NULL, PRIMARY KEY (consumer, key))",
            "CREATE TABLE unit (key TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, attempt BIGINT NOT NULL,
                lease BIGINT NOT NULL)",
            "CREATE TABLE parent (id BIGINT NOT NULL PRIMARY KEY)",
            "CREATE TABLE orphan (parent BIGINT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
        ] {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

/// Returns the enterprise that all messages of a test belong to.
pub(crate) fn corp() -> CorpId {
    static CORP: OnceLock<CorpId> = OnceLock::new();
    *CORP.get_or_init(|| CorpId::mint(from_millis(1_700_000_000_000)))
}

/// Makes a message about `key` with the number `number`.
pub(crate) fn message(key: &str, number: i64) -> Envelope {
    let corp = corp();
    let event = ContactAdded {
        corp_id: corp.to_string(),
        external_user_id: key.to_owned(),
        ..ContactAdded::default()
    };
    Envelope {
        message_id: MessageId::mint(from_millis(1_700_000_000_000)),
        kind: ContactAdded::KIND.to_owned(),
        corp,
        key: key.to_owned(),
        occurred_at: from_millis(1_700_000_000_123),
        received_at: Some(from_millis(1_700_000_000_456)),
        received_seq: Some(number),
        traceparent: None,
        replay_of: None,
        attempt: 0,
        body: event.encode_to_vec().into(),
    }
}

/// Makes messages with the numbers `0..count`, about `keys` keys in turn.
pub(crate) fn messages(keys: i64, count: i64) -> Vec<Envelope> {
    (0..count).map(|number| message(&format!("key-{}", number % keys), number)).collect()
}

/// Returns what handling each of `messages` once leaves.
pub(crate) fn effects_of(messages: &[Envelope]) -> BTreeMap<String, Effect> {
    let mut effects = BTreeMap::<String, Effect>::new();
    for message in messages {
        let (effect, number) =
            (effects.entry(message.key.clone()).or_default(), message.received_seq.unwrap());
        effect.newest = effect.newest.max(number);
        effect.total += number;
        effect.times += 1;
    }
    effects
}

/// Waits until `holds`, and fails the test if that takes too long.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(TICK).await;
        }
    };
    in_time(what, waiting).await;
}

/// Waits for `future`, and fails the test if that takes too long.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited too long: {what}"))
}
