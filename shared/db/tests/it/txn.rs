//! Parts of a transaction are kept and taken back alone.

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
async fn a_part_is_taken_back_alone() {
    let test = TestDb::open().await;
    let txn = test.db.begin().await.unwrap();
    test.add_named(&txn, "a").await.unwrap();
    let kept = txn.savepoint().await.unwrap();
    test.add_named(&kept, "b").await.unwrap();
    let inner = kept.savepoint().await.unwrap();
    test.add_named(&inner, "c").await.unwrap();
    inner.undo().await.unwrap();
    kept.keep().await.unwrap();
    let dropped = txn.savepoint().await.unwrap();
    test.add_named(&dropped, "d").await.unwrap();
    drop(dropped);
    let undone = txn.savepoint().await.unwrap();
    test.add_named(&undone, "e").await.unwrap();
    test.add_named(&undone, "a").await.unwrap_err();
    undone.undo().await.unwrap();
    test.add_named(&txn, "f").await.unwrap();
    assert!(!txn.is_interrupted());
    txn.commit().await.unwrap();
    assert_eq!(test.people().await, ["a", "b", "f"]);
    test.finish().await;
}

#[tokio::test]
async fn parts_follow_each_other_in_any_order() {
    let test = TestDb::open().await;
    let txn = test.db.begin().await.unwrap();
    for (name, is_kept) in [("a", true), ("b", true), ("c", false), ("d", false), ("e", true)] {
        let part = txn.savepoint().await.unwrap();
        let inner = part.savepoint().await.unwrap();
        test.add_named(&inner, name).await.unwrap();
        inner.keep().await.unwrap();
        if is_kept {
            part.keep().await.unwrap();
        } else {
            part.undo().await.unwrap();
        }
    }
    let open = txn.savepoint().await.unwrap();
    txn.savepoint().await.unwrap_err();
    test.add_named(&open, "f").await.unwrap();
    drop(open);
    txn.commit().await.unwrap();
    assert_eq!(test.people().await, ["a", "b", "e"]);
    test.finish().await;
}

#[tokio::test]
async fn the_relay_is_woken_for_events_that_are_kept() {
    let test = TestDb::open().await;
    for (is_kept, is_inner_kept) in [(false, false), (false, true), (true, false), (true, true)] {
        let wakings = test.db.wakings("outbox");
        let txn = test.db.begin().await.unwrap();
        let part = txn.savepoint().await.unwrap();
        let inner = part.savepoint().await.unwrap();
        let cause = Cause::here(inner.now());
        outbox::put(&inner, test.corp, &cause, &test.event("lead")).await.unwrap();
        if is_inner_kept {
            inner.keep().await.unwrap();
        } else {
            inner.undo().await.unwrap();
        }
        if is_kept {
            part.keep().await.unwrap();
        } else {
            part.undo().await.unwrap();
        }
        txn.commit().await.unwrap();
        assert_eq!(wakings.has_changed().unwrap(), is_kept && is_inner_kept);
    }
    assert_eq!(outbox::waiting(test.db.reader()).await.unwrap(), 1);
    test.finish().await;
}

/// PostgreSQL does nothing more after a statement has failed; a commit would then be a silent rollback.
#[tokio::test]
async fn a_part_with_a_failure_that_nobody_noticed_is_not_kept() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let test = TestDb::open().await;
    let txn = test.db.begin().await.unwrap();
    test.add_named(&txn, "a").await.unwrap();
    let part = txn.savepoint().await.unwrap();
    test.add_named(&part, "b").await.unwrap();
    test.add_named(&part, "a").await.unwrap_err();
    part.keep().await.unwrap_err();
    test.add_named(&txn, "c").await.unwrap();
    assert!(!txn.is_interrupted());
    txn.commit().await.unwrap();
    assert_eq!(test.people().await, ["a", "c"]);
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
        let part = txn.savepoint().await.unwrap();
        let has_failed = grow(&part, other).await.is_err();
        part.undo().await.unwrap();
        (has_failed, txn.is_interrupted())
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
    let part = txn.savepoint().await.unwrap();
    test.add_named(&part, "a").await.unwrap_err();
    part.execute_unprepared("SELECT nonsense").await.unwrap_err();
    part.undo().await.unwrap();
    assert!(!txn.is_interrupted());
    if Shape::chosen() == Shape::Distributed {
        let end = "SELECT pg_terminate_backend(pg_backend_pid())";
        txn.execute_unprepared(end).await.unwrap_err();
        assert!(txn.is_interrupted());
    }
    drop(txn);
    test.finish().await;
}
