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

    fn reconciler(&self) -> Reconciler {
        Reconciler::new(Arc::new(Reader::start(self.db.clone(), self.wecom.client())))
    }

    async fn newest(&self) -> Reconciliation {
        store::reconciliation::newest(self.db.reader(), self.corp).await.unwrap().unwrap()
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
    comparison.reconciler().begin_due(Duration::from_hours(6)).await.unwrap();
    let slow = json!({"api": {"user/list": {"latency_ms": 50}}});
    comparison.wecom.control(reqwest::Method::PUT, "/_control/faults", &slow).await;
    let dying = comparison.reconciler();
    let process = tokio::spawn(async move { dying.go_on(&Lifecycle::new()).await });
    eventually("some departments are done", async || {
        (comparison.newest().await.counts.members > 0).then_some(())
    })
    .await;
    process.abort();
    assert!(process.await.unwrap_err().is_cancelled());
    let left = comparison.newest().await;
    assert_eq!((left.state, left.step), (State::Running, Step::Members));

    let next = comparison.reconciler();
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
    comparison.reconciler().begin_due(Duration::from_hours(6)).await.unwrap();
    let stopping = Lifecycle::new();
    stopping.stop();
    assert!(comparison.reconciler().go_on(&stopping).await.unwrap());
    assert!(comparison.reconciler().go_on(&Lifecycle::new()).await.unwrap());
    assert_eq!(comparison.newest().await.step, Step::Customers);
    comparison.finish().await;
}

#[tokio::test]
async fn comparisons_begin_soon_after_the_connection_and_then_periodically() {
    let comparison = Comparison::new().await;
    let reconciler = comparison.reconciler();
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
