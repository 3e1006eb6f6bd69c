//! Events reach the broker when, and only when, their transaction has committed.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use scrm_db::{Cause, Db, Fate, Outbox, Publish, PublishError, Relay, Source, outbox};
use scrm_kernel::Lifecycle;
use scrm_proto::Envelope;
use scrm_proto::leads::v1::LeadAssigned;
use scrm_testing::{Shape, eventually};
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use tokio::sync::Semaphore;

use crate::support::{Migrator, TestDb};

/// A broker that notes what it takes, and refuses what it is told to.
#[derive(Clone)]
struct Noting {
    taken: Arc<Mutex<Vec<Envelope>>>,
    refused: Arc<Mutex<HashSet<String>>>,
    most_under_way: usize,
    /// Publishes that it was given and has not answered, and the most there ever were.
    under_way: Arc<(AtomicUsize, AtomicUsize)>,
    /// One is used up whenever it answers.
    answers: Arc<Semaphore>,
}

impl Default for Noting {
    fn default() -> Self {
        let answers = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self {
            taken: Arc::default(),
            refused: Arc::default(),
            most_under_way: 1,
            under_way: Arc::default(),
            answers,
        }
    }
}

impl Noting {
    fn refuse(&self, keys: &[&str]) {
        *self.refused.lock().unwrap() = keys.iter().map(|&key| key.to_owned()).collect();
    }

    fn keys(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|message| message.key.clone()).collect()
    }
}

#[async_trait]
impl Publish for Noting {
    fn most_under_way(&self) -> usize {
        self.most_under_way
    }

    async fn publish(&self, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
        let take = |message: Envelope| {
            if self.refused.lock().unwrap().contains(&message.key) {
                return Err(PublishError::NotNow("told to refuse".to_owned()));
            }
            if message.key == "too long" {
                return Err(PublishError::Never("told to refuse for ever".to_owned()));
            }
            self.taken.lock().unwrap().push(message);
            Ok(())
        };
        let outcomes = messages.into_iter().map(take).collect();
        let (now, most) = &*self.under_way;
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        self.answers.acquire().await.unwrap().forget();
        now.fetch_sub(1, Ordering::SeqCst);
        outcomes
    }
}

/// Starts a relay, and returns what stops it.
fn relayed(source: impl Source, broker: &Noting) -> Lifecycle {
    let lifecycle = Lifecycle::new();
    let relay = Relay::new(source, Arc::new(broker.clone()));
    lifecycle.spawn("relay", relay.run(lifecycle.clone()));
    lifecycle
}

async fn stop(lifecycle: Lifecycle) {
    lifecycle.stop();
    assert!(lifecycle.finish(Duration::from_secs(10)).await);
}

async fn sent(db: &Db) {
    left(db, 0).await;
}

/// Waits until so many rows are not marked as published.
async fn left(db: &Db, count: u64) {
    let are_left = async || (outbox::waiting(db.reader()).await.unwrap() == count).then_some(());
    eventually("rows that are not marked", are_left).await;
}

#[tokio::test]
async fn an_event_is_published_if_and_only_if_its_transaction_commits() {
    let test = TestDb::open().await;
    let broker = Noting::default();
    let lifecycle = relayed(Outbox::of(test.db.clone()), &broker);

    let dropped = test.db.begin().await.unwrap();
    let cause = Cause::here(dropped.now());
    outbox::put(&dropped, test.corp, &cause, &test.event("never")).await.unwrap();
    drop(dropped);
    let ids = test.tell(&["first", "second"]).await;
    sent(&test.db).await;

    assert_eq!(broker.keys(), ["first", "second"]);
    let taken = broker.taken.lock().unwrap().clone();
    assert_eq!(taken.iter().map(|message| message.message_id).collect::<Vec<_>>(), ids);
    assert_eq!(taken[0].open::<LeadAssigned>().unwrap(), test.event("first"));
    assert_eq!((taken[0].corp, taken[0].occurred_at), (test.corp, cause.occurred_at));
    stop(lifecycle).await;
    test.finish().await;
}

#[tokio::test]
async fn what_waits_from_before_a_restart_is_published_in_order() {
    let test = TestDb::open().await;
    let names: Vec<String> = (0..450).map(|number| format!("lead{number}")).collect();
    test.tell(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let broker = Noting::default();
    let lifecycle = relayed(Outbox::of(test.db.clone()), &broker);
    sent(&test.db).await;
    assert_eq!(broker.keys(), names);
    stop(lifecycle).await;

    test.clock().advance(Duration::from_secs(1));
    assert_eq!(outbox::forget_before(test.db.writer(), test.clock().now()).await.unwrap(), 450);
    test.finish().await;
}

#[tokio::test]
async fn what_the_broker_refuses_stays_and_is_tried_again() {
    let test = TestDb::open().await;
    let broker = Noting::default();
    broker.refuse(&["second"]);
    let lifecycle = relayed(Outbox::of(test.db.clone()), &broker);
    test.tell(&["first", "second", "third"]).await;
    eventually("what the broker takes", async || (broker.keys() == ["first", "third"]).then_some(())).await;
    left(&test.db, 1).await;

    broker.refuse(&[]);
    sent(&test.db).await;
    assert_eq!(broker.keys(), ["first", "third", "second"]);
    stop(lifecycle).await;
    test.finish().await;
}

/// An outbox, some of whose rows can never be published.
struct Odd {
    outbox: Outbox,
    /// One is used up whenever rows are marked.
    permits: Arc<Semaphore>,
    /// Whether rows cannot be marked.
    fails: Arc<AtomicBool>,
}

impl Odd {
    /// Marks rows as long as there are permits.
    fn of(db: &Db, permits: usize) -> Self {
        let permits = Arc::new(Semaphore::new(permits));
        Self { outbox: Outbox::of(db.clone()), permits, fails: Arc::default() }
    }
}

#[async_trait]
impl Source for Odd {
    const TABLE: &'static str = Outbox::TABLE;
    type Row = <Outbox as Source>::Row;

    fn db(&self) -> &Db {
        self.outbox.db()
    }

    fn key(row: &Self::Row) -> i64 {
        Outbox::key(row)
    }

    async fn take(&self, most: u64, except: &[i64]) -> Result<Vec<Self::Row>, DbErr> {
        self.outbox.take(most, except).await
    }

    fn envelope(&self, row: &Self::Row) -> Result<Option<Envelope>, String> {
        match row.1.key.as_str() {
            "impossible" => Err("cannot be told".to_owned()),
            "nothing" => Ok(None),
            _ => self.outbox.envelope(row),
        }
    }

    async fn settle(&self, fates: Vec<(Self::Row, Fate)>) -> Result<(), DbErr> {
        self.permits.acquire().await.unwrap().forget();
        if self.fails.load(Ordering::SeqCst) {
            return Err(DbErr::Custom("told to fail".to_owned()));
        }
        self.outbox.settle(fates).await
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_published_is_kept_and_holds_nothing_up() {
    let test = TestDb::open().await;
    let broker = Noting::default();
    let many_impossible = ["impossible"; 250];
    test.tell(&many_impossible).await;
    test.tell(&["first", "nothing", "impossible", "second"]).await;
    let lifecycle = relayed(Odd::of(&test.db, 100), &broker);
    eventually("the others published", async || (broker.keys() == ["first", "second"]).then_some(())).await;
    stop(lifecycle).await;
    // Those with a problem are counted as waiting, so that somebody looks.
    assert_eq!(outbox::waiting(test.db.reader()).await.unwrap(), 251);

    let lifecycle = relayed(Outbox::of(test.db.clone()), &broker);
    test.tell(&["third"]).await;
    eventually("the third", async || (broker.keys().len() == 3).then_some(())).await;
    assert_eq!(broker.keys(), ["first", "second", "third"], "a problem is not tried again");
    stop(lifecycle).await;
    test.finish().await;
}

#[tokio::test]
async fn what_the_broker_will_never_take_is_marked_and_holds_nothing_up() {
    let test = TestDb::open().await;
    let broker = Noting::default();
    // More than a relay takes at once.
    test.tell(&["too long"; 250]).await;
    test.tell(&["first"]).await;
    let lifecycle = relayed(Outbox::of(test.db.clone()), &broker);
    eventually("the other one published", async || (broker.keys() == ["first"]).then_some(())).await;
    stop(lifecycle).await;
    assert_eq!(outbox::waiting(test.db.reader()).await.unwrap(), 250, "somebody must look");
    let marked = "SELECT count(*) AS n FROM outbox WHERE problem = 'told to refuse for ever'";
    let marked = Statement::from_string(test.db.reader().get_database_backend(), marked);
    let row = test.db.reader().query_one_raw(marked).await.unwrap().unwrap();
    assert_eq!(row.try_get::<i64>("", "n").unwrap(), 250);
    assert!(Outbox::of(test.db.clone()).take(10, &[]).await.unwrap().is_empty(), "they are not tried again");
    test.finish().await;
}

#[tokio::test]
async fn the_next_events_are_published_before_the_last_ones_are_marked_and_none_is_twice() {
    let test = TestDb::open().await;
    let (broker, outbox) = (Noting::default(), Odd::of(&test.db, 0));
    let permits = Arc::clone(&outbox.permits);
    let lifecycle = relayed(outbox, &broker);
    for (count, name) in ["first", "second", "third"].into_iter().enumerate() {
        test.tell(&[name]).await;
        eventually("it is published", async || (broker.keys().len() == count + 1).then_some(())).await;
    }
    assert_eq!(outbox::waiting(test.db.reader()).await.unwrap(), 3, "none is marked");
    permits.add_permits(3);
    sent(&test.db).await;
    assert_eq!(broker.keys(), ["first", "second", "third"]);
    assert!(permits.available_permits() > 0, "several were marked at once");
    stop(lifecycle).await;
    test.finish().await;
}

#[tokio::test]
async fn a_broker_that_can_has_several_publishes_under_way_in_their_order() {
    let test = TestDb::open().await;
    let broker = Noting { most_under_way: 3, answers: Arc::new(Semaphore::new(0)), ..Noting::default() };
    let lifecycle = relayed(Outbox::of(test.db.clone()), &broker);
    for (count, name) in ["first", "second", "third"].into_iter().enumerate() {
        test.tell(&[name]).await;
        eventually("it is published", async || (broker.keys().len() == count + 1).then_some(())).await;
    }
    test.tell(&["fourth"]).await;
    assert_eq!(outbox::waiting(test.db.reader()).await.unwrap(), 4, "none is safe");
    broker.answers.add_permits(1);
    left(&test.db, 3).await;
    eventually("the fourth", async || (broker.keys().len() == 4).then_some(())).await;
    broker.answers.add_permits(3);
    sent(&test.db).await;
    assert_eq!(broker.keys(), ["first", "second", "third", "fourth"]);
    assert_eq!(broker.under_way.1.load(Ordering::SeqCst), 3, "the fourth waited for a place");
    stop(lifecycle).await;
    test.finish().await;
}

#[tokio::test]
async fn what_is_refused_while_others_are_under_way_is_tried_again() {
    let test = TestDb::open().await;
    let broker = Noting { most_under_way: 3, answers: Arc::new(Semaphore::new(0)), ..Noting::default() };
    broker.refuse(&["second"]);
    let lifecycle = relayed(Outbox::of(test.db.clone()), &broker);
    test.tell(&["first"]).await;
    eventually("the first", async || (broker.keys() == ["first"]).then_some(())).await;
    test.tell(&["second"]).await;
    test.tell(&["third"]).await;
    eventually("the third", async || (broker.keys() == ["first", "third"]).then_some(())).await;
    broker.answers.add_permits(1000);
    left(&test.db, 1).await;
    broker.refuse(&[]);
    sent(&test.db).await;
    assert_eq!(broker.keys(), ["first", "third", "second"]);
    stop(lifecycle).await;
    test.finish().await;
}

#[tokio::test]
async fn what_cannot_be_marked_is_published_again() {
    let test = TestDb::open().await;
    let (broker, outbox) = (Noting::default(), Odd::of(&test.db, 1000));
    let fails = Arc::clone(&outbox.fails);
    fails.store(true, Ordering::SeqCst);
    let lifecycle = relayed(outbox, &broker);
    test.tell(&["first", "second"]).await;
    eventually("both published twice", async || {
        // Their lease is over.
        test.clock().advance(Duration::from_secs(10));
        (broker.keys().len() >= 4).then_some(())
    })
    .await;
    assert_eq!(broker.keys()[..4], ["first", "second", "first", "second"]);
    fails.store(false, Ordering::SeqCst);
    test.clock().advance(Duration::from_secs(10));
    sent(&test.db).await;
    stop(lifecycle).await;
    test.finish().await;
}

/// Two processes share a database in the distributed shape only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_at_once_publish_each_row_once() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let test = TestDb::open().await;
    let other = Db::open::<Migrator>(test.database.database(), test.clock().clone()).await.unwrap();
    let broker = Noting::default();
    let names: Vec<String> = (0..1000).map(|number| format!("lead{number}")).collect();
    for some in names.chunks(50) {
        test.tell(&some.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    let lifecycles = [&test.db, &other].map(|db| relayed(Outbox::of(db.clone()), &broker));
    sent(&test.db).await;
    let mut keys = broker.keys();
    assert_eq!(keys.len(), 1000);
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 1000);
    for lifecycle in lifecycles {
        stop(lifecycle).await;
    }
    other.close().await.unwrap();
    test.finish().await;
}

#[tokio::test]
async fn what_a_dead_relay_took_is_published_when_its_lease_is_over() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let test = TestDb::open().await;
    test.tell(&["first"]).await;
    assert_eq!(Outbox::of(test.db.clone()).take(10, &[]).await.unwrap().len(), 1);
    let broker = Noting::default();
    assert!(Outbox::of(test.db.clone()).take(10, &[]).await.unwrap().is_empty(), "it is leased");
    test.clock().advance(Duration::from_secs(31));
    let lifecycle = relayed(Outbox::of(test.db.clone()), &broker);
    eventually("what it took published", async || (broker.keys() == ["first"]).then_some(())).await;
    stop(lifecycle).await;
    test.finish().await;
}

#[tokio::test]
async fn every_relay_of_a_database_is_woken() {
    let test = TestDb::open().await;
    let mut relays = [test.db.wakings("outbox"), test.db.wakings("outbox")];
    test.tell(&["lead-1"]).await;
    for relay in &mut relays {
        tokio::time::timeout(Duration::from_secs(10), relay.changed()).await.unwrap().unwrap();
    }
    test.finish().await;
}
