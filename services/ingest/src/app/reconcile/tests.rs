//! A comparison that a process leaves half done is gone on with by the next one.

use scrm_kernel::{Clock, WecomCorpId};
use scrm_testing::{TestDatabase, TestWecom, eventually};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;

use super::*;
use crate::migration::Migrator;

struct Comparison {
    db: Db,
    database: TestDatabase,
    wecom: TestWecom,
    clock: Clock,
    corp: CorpId,
}

impl Comparison {
    async fn new() -> Self {
        let (database, clock) = (TestDatabase::new("ingest").await, scrm_testing::clock());
        let wecom = TestWecom::start(clock.clone());
        let db = Db::open::<Migrator>(database.database(), clock.clone()).await.unwrap();
        let corp = CorpId::mint(clock.now());
        let wecom_id = WecomCorpId::parse(&wecom.sandbox.app("demo").unwrap().corp_id).unwrap();
        store::corp::insert(db.writer(), corp, clock.now()).await.unwrap();
        store::corp::connect(db.writer(), corp, &wecom_id, clock.now()).await.unwrap();
        Self { db, database, wecom, clock, corp }
    }

    async fn reconciler(&self) -> Reconciler {
        Reconciler::new(Arc::new(Reader::start(self.db.clone(), self.wecom.client().await)))
    }

    async fn newest(&self) -> Reconciliation {
        store::reconciliation::newest(self.db.reader(), self.corp).await.unwrap().unwrap()
    }

    async fn rename(&self, table: &str, to: &str) {
        let text = format!("ALTER TABLE {table} RENAME TO {to}");
        self.db.writer().execute_unprepared(&text).await.unwrap();
    }

    async fn events(&self, kind: &str) -> usize {
        let text = format!("SELECT seq FROM outbox WHERE kind = '{kind}'");
        let statement = Statement::from_string(self.db.reader().get_database_backend(), text);
        self.db.reader().query_all_raw(statement).await.unwrap().len()
    }

    async fn finish(self) {
        self.db.close().await.unwrap();
        self.database.finish().await;
        self.wecom.finish().await;
    }
}

#[tokio::test]
async fn what_a_dead_process_left_half_done_goes_on_and_is_told_once() {
    let comparison = Comparison::new().await;
    let staff = comparison.wecom.sandbox.app("demo").unwrap().staff.len();
    comparison.reconciler().await.begin_due(Duration::from_hours(6)).await.unwrap();
    let slow = json!({"api": {"user/list": {"latency_ms": 50}}});
    comparison.wecom.control(reqwest::Method::PUT, "/_control/faults", &slow).await;
    let dying = comparison.reconciler().await;
    let process = tokio::spawn(async move { dying.go_on(&Lifecycle::new()).await });
    eventually("some departments are done", async || {
        (comparison.newest().await.counts.members > 0).then_some(())
    })
    .await;
    process.abort();
    assert!(process.await.unwrap_err().is_cancelled());
    let left = comparison.newest().await;
    assert_eq!((left.state, left.step), (State::Running, Step::Members));

    let next = comparison.reconciler().await;
    let lifecycle = Lifecycle::new();
    assert!(!next.go_on(&lifecycle).await.unwrap(), "the lease of the dead is respected");
    comparison.clock.advance(LEASE);
    assert!(next.go_on(&lifecycle).await.unwrap());
    comparison.clock.advance(crate::domain::reconciliation::ON_ITS_WAY);
    assert!(next.go_on(&lifecycle).await.unwrap());
    let done = comparison.newest().await;
    assert_eq!((done.state, done.problem), (State::Done, None));
    assert_eq!(usize::try_from(done.counts.members).unwrap(), staff);
    assert_eq!(comparison.events("wecom.v1.member_read").await, staff);
    assert_eq!(comparison.events("wecom.v1.departments_read").await, 1);
    comparison.finish().await;
}

#[tokio::test]
async fn a_process_that_stops_hands_over_at_once() {
    let comparison = Comparison::new().await;
    comparison.reconciler().await.begin_due(Duration::from_hours(6)).await.unwrap();
    let stopping = Lifecycle::new();
    stopping.stop();
    assert!(comparison.reconciler().await.go_on(&stopping).await.unwrap());
    assert!(comparison.reconciler().await.go_on(&Lifecycle::new()).await.unwrap());
    assert_eq!(comparison.newest().await.step, Step::Customers);
    comparison.finish().await;
}

#[tokio::test]
async fn a_restart_does_not_shorten_the_wait_for_callbacks() {
    let (comparison, lifecycle) = (Comparison::new().await, Lifecycle::new());
    comparison.reconciler().await.begin_due(Duration::from_hours(6)).await.unwrap();
    assert!(comparison.reconciler().await.go_on(&lifecycle).await.unwrap());
    let restarted = comparison.reconciler().await;
    restarted.take_back().await.unwrap();
    assert!(!restarted.go_on(&lifecycle).await.unwrap(), "callbacks may be on their way");
    assert_eq!(comparison.newest().await.step, Step::Customers);
    comparison.clock.advance(crate::domain::reconciliation::ON_ITS_WAY);
    assert!(restarted.go_on(&lifecycle).await.unwrap());
    assert_eq!(comparison.newest().await.state, State::Done);
    comparison.finish().await;
}

#[tokio::test]
async fn comparisons_begin_soon_after_the_connection_and_then_periodically() {
    let comparison = Comparison::new().await;
    let reconciler = comparison.reconciler().await;
    let every = Duration::from_hours(6);
    reconciler.begin_due(every).await.unwrap();
    let first = comparison.newest().await;
    let lifecycle = Lifecycle::new();
    assert!(reconciler.go_on(&lifecycle).await.unwrap());
    comparison.clock.advance(crate::domain::reconciliation::ON_ITS_WAY);
    assert!(reconciler.go_on(&lifecycle).await.unwrap());
    reconciler.begin_due(every).await.unwrap();
    assert_eq!(comparison.newest().await.id, first.id);
    comparison.clock.advance(every);
    reconciler.begin_due(every).await.unwrap();
    assert_ne!(comparison.newest().await.id, first.id);
    comparison.finish().await;
}

#[tokio::test]
async fn a_failure_of_the_database_gives_the_comparison_back_at_once() {
    let comparison = Comparison::new().await;
    let (reconciler, lifecycle) = (comparison.reconciler().await, Lifecycle::new());
    reconciler.begin_due(Duration::from_hours(6)).await.unwrap();
    // What was read cannot be told.
    comparison.rename("outbox", "away").await;
    assert!(reconciler.go_on(&lifecycle).await.unwrap());
    let left = comparison.newest().await;
    assert_eq!((left.state, left.step, left.attempts), (State::Running, Step::Departments, 1));
    comparison.rename("away", "outbox").await;
    assert!(
        comparison.reconciler().await.go_on(&lifecycle).await.unwrap(),
        "whoever comes next need not wait"
    );
    let next = comparison.newest().await;
    assert_eq!((next.step, next.attempts), (Step::Customers, 0));
    comparison.finish().await;
}

#[tokio::test]
async fn what_fails_while_nothing_can_be_noted_is_given_back_when_something_can() {
    let comparison = Comparison::new().await;
    let (reconciler, lifecycle) = (comparison.reconciler().await, Lifecycle::new());
    reconciler.begin_due(Duration::from_hours(6)).await.unwrap();
    let (run, leased_until) = store::reconciliation::take(&comparison.db).await.unwrap().unwrap();
    let connected_at = run.started_at;
    let walk = Walk { run, leased_until, connected_at, departments: None, members: None };
    comparison.rename("reconciliation", "away").await;
    reconciler.leave(walk, &Broken::Database(DbErr::Custom("the disk is full".to_owned())));
    reconciler.go_on(&lifecycle).await.unwrap_err();
    comparison.rename("away", "reconciliation").await;
    assert!(reconciler.go_on(&lifecycle).await.unwrap());
    assert_eq!(comparison.newest().await.step, Step::Customers);
    comparison.finish().await;
}

#[tokio::test]
async fn a_database_that_always_fails_ends_the_comparison() {
    let comparison = Comparison::new().await;
    let (reconciler, lifecycle) = (comparison.reconciler().await, Lifecycle::new());
    reconciler.begin_due(Duration::from_hours(6)).await.unwrap();
    comparison.rename("outbox", "away").await;
    assert!(reconciler.go_on(&lifecycle).await.unwrap());
    for wait in [Duration::ZERO, Duration::from_secs(10), Duration::from_mins(1), Duration::from_mins(10)] {
        comparison.clock.advance(wait);
        assert!(reconciler.go_on(&lifecycle).await.unwrap(), "after {wait:?}");
        assert!(!reconciler.go_on(&lifecycle).await.unwrap(), "not again at once after {wait:?}");
    }
    let failed = comparison.newest().await;
    assert_eq!(failed.state, State::Failed);
    assert_eq!(failed.problem.as_deref(), Some("departments: the database failed"));
    comparison.rename("away", "outbox").await;
    comparison.finish().await;
}
