//! How SQLite is built, which `.cargo/config.toml` says, and how it is kept.

use scrm_db::Db;
use scrm_testing::eventually;
use sea_orm::{ConnectionTrait as _, Statement, TransactionTrait as _};

use crate::support::TestDb;

#[tokio::test]
async fn sqlite_is_built_as_it_is_meant_to_be() {
    let test = TestDb::open().await;
    if test.db.is_sqlite() {
        let reader = test.db.reader();
        let statement = Statement::from_string(reader.get_database_backend(), "PRAGMA compile_options");
        let rows = reader.query_all_raw(statement).await.unwrap();
        let options: Vec<String> =
            rows.iter().map(|row| row.try_get("", "compile_options").unwrap()).collect();
        // Without it each statement with a bound LIMIT is planned whenever it runs.
        assert!(options.iter().any(|option| option == "ENABLE_QPSG"), "{options:?}");
        assert!(!options.iter().any(|option| option == "ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
    }
    test.finish().await;
}

/// Returns how many pages are in the log, and how many of them in the file too.
async fn log(db: &Db) -> (i32, i32) {
    let question = "PRAGMA wal_checkpoint(NOOP)";
    let question = Statement::from_string(db.reader().get_database_backend(), question);
    let row = db.reader().query_one_raw(question).await.unwrap().unwrap();
    (row.try_get("", "log").unwrap(), row.try_get("", "checkpointed").unwrap())
}

/// Writes so many rows, each of them a page.
async fn write(db: &Db, rows: usize) {
    let txn = db.begin().await.unwrap();
    let rows = format!(
        "INSERT INTO heap SELECT randomblob(4000) FROM (WITH RECURSIVE number(n) AS \
         (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {rows}) SELECT n FROM number)"
    );
    txn.execute_unprepared(&rows).await.unwrap();
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn a_long_log_is_folded_and_begins_anew_once_nobody_reads_an_old_state() {
    let test = TestDb::open().await;
    if test.db.is_sqlite() {
        let txn = test.db.begin().await.unwrap();
        txn.execute_unprepared("CREATE TABLE heap (bytes BLOB)").await.unwrap();
        txn.commit().await.unwrap();
        let reading = test.db.reader().begin().await.unwrap();
        reading.execute_unprepared("SELECT count(*) FROM heap").await.unwrap();
        write(&test.db, 4500).await;
        write(&test.db, 1).await;
        let (pages, folded) = log(&test.db).await;
        assert!(pages > 4500, "{pages} pages, of which {folded} are folded: writers do not wait for readers");

        reading.rollback().await.unwrap();
        eventually("the log begins anew", async || {
            write(&test.db, 500).await;
            (log(&test.db).await.0 < 4000).then_some(())
        })
        .await;
    }
    test.finish().await;
}
