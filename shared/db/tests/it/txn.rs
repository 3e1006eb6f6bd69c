//! Transactions that are taken back, that are broken, and that are interrupted.

use scrm_db::{Cause, Txn, outbox};
use scrm_testing::Shape;
use sea_orm::{ConnectionTrait as _, DbErr};
use tokio::sync::Barrier;

use crate::support::TestDb;

impl TestDb {
    async fn add_named(&self, txn: &Txn, name: &str) -> Result<(), DbErr> {
        self.add(txn, [name, name, ""], 30, "").await
    }

    async fn people(&self) -> Vec<String> {
        let statement = sea_orm::Statement::from_string(
            self.db.reader().get_database_backend(),
            "SELECT id FROM person ORDER BY id",
        );
        let rows = self.db.reader().query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get("", "id").unwrap()).collect()
    }
}

#[tokio::test]
async fn what_is_rolled_back_leaves_nothing_and_wakes_nobody() {
    let test = TestDb::open().await;
    let wakings = test.db.wakings("outbox");
    for is_kept in [false, true] {
        let txn = test.db.begin().await.unwrap();
        test.add_named(&txn, if is_kept { "b" } else { "a" }).await.unwrap();
        outbox::put(&txn, test.corp, &Cause::here(txn.now()), &test.event("lead")).await.unwrap();
        if is_kept {
            txn.commit().await.unwrap();
        } else {
            txn.rollback().await.unwrap();
        }
        assert_eq!(wakings.has_changed().unwrap(), is_kept);
    }
    assert_eq!(test.people().await, ["b"]);
    assert_eq!(outbox::waiting(test.db.reader()).await.unwrap(), 1);
    test.finish().await;
}

/// PostgreSQL does nothing more after a statement has failed; its commit would be a silent rollback.
#[tokio::test]
async fn what_cannot_be_committed_any_more_is_known_and_refused() {
    let test = TestDb::open().await;
    let txn = test.db.begin().await.unwrap();
    test.add_named(&txn, "a").await.unwrap();
    assert!(txn.is_intact());
    test.add_named(&txn, "a").await.unwrap_err();
    assert!(!txn.is_interrupted());
    let goes_on = Shape::chosen() == Shape::Embedded;
    assert_eq!(txn.is_intact(), goes_on);
    assert_eq!(txn.commit().await.is_ok(), goes_on);
    assert_eq!(test.people().await.len(), usize::from(goes_on));
    test.finish().await;
}

async fn grow(txn: &Txn, person: &str) -> Result<(), DbErr> {
    let statement = format!("UPDATE person SET age = age + 1 WHERE id = '{person}'");
    txn.execute_unprepared(&statement).await.map(drop)
}

/// SQLite has one writer, so there is no deadlock there.
#[tokio::test]
async fn a_deadlock_is_an_interruption() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let test = TestDb::open().await;
    for person in ["a", "b"] {
        test.add(test.db.writer(), [person, person, ""], 30, "").await.unwrap();
    }
    // Who is ended lets the other one through.
    let both = Barrier::new(2);
    let cross = async |one: &str, other: &str| {
        let txn = test.db.begin().await.unwrap();
        grow(&txn, one).await.unwrap();
        both.wait().await;
        let has_failed = grow(&txn, other).await.is_err();
        let is_interrupted = txn.is_interrupted();
        txn.rollback().await.unwrap();
        (has_failed, is_interrupted)
    };
    let ((first, is_first), (second, is_second)) = tokio::join!(cross("a", "b"), cross("b", "a"));
    assert!(first != second, "one of them is ended");
    assert_eq!((first, second), (is_first, is_second));
    test.finish().await;
}

#[tokio::test]
async fn a_violated_constraint_is_no_interruption_and_a_lost_connection_is_one() {
    let test = TestDb::open().await;
    let txn = test.db.begin().await.unwrap();
    test.add_named(&txn, "a").await.unwrap();
    test.add_named(&txn, "a").await.unwrap_err();
    txn.execute_unprepared("SELECT nonsense").await.unwrap_err();
    assert!(!txn.is_interrupted());
    txn.rollback().await.unwrap();
    let txn = test.db.begin().await.unwrap();
    if Shape::chosen() == Shape::Distributed {
        let end = "SELECT pg_terminate_backend(pg_backend_pid())";
        txn.execute_unprepared(end).await.unwrap_err();
        assert!(txn.is_interrupted());
    }
    drop(txn);
    test.finish().await;
}
