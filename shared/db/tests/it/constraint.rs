//! Violated constraints are told by name, and readers do not write.

use async_trait::async_trait;
use scrm_db::{Db, Violation};
use scrm_testing::{Shape, TestDatabase};
use sea_orm::{ConnectionTrait as _, DbErr, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

use crate::support::TestDb;

#[tokio::test]
async fn a_violated_constraint_is_told_by_name() {
    let test = TestDb::open().await;
    let writer = test.db.writer();
    test.add(writer, ["1", "Lhasa", "b0"], 30, "").await.unwrap();
    test.add(writer, ["2", "Wuhan", "b1"], 0, "1").await.unwrap();
    let unique = |name: &str| Violation::Unique(name.to_owned());
    let cases = [
        (["1", "Lhasa", "b1"], 30, "", unique("pk_person")),
        (["3", "Wuhan", "b1"], 30, "", unique("uq_person_town_badge")),
        (["3", "Wuhan", "b2"], 0, "", unique("uq_person_first")),
        (["3", "Lhasa", "b1"], -1, "", Violation::Check("ck_person_age".to_owned())),
        (["3", "Lhasa", "b1"], 30, "9", Violation::ForeignKey),
        (["3", "", "b1"], 30, "", Violation::NotNull),
    ];
    for (person, age, boss, expected) in cases {
        let error = test.add(writer, person, age, boss).await.unwrap_err();
        assert_eq!(test.db.violation(&error), Some(expected.clone()), "{error}");

        let txn = test.db.begin().await.unwrap();
        let error = test.add(&txn, person, age, boss).await.unwrap_err();
        assert_eq!(txn.violation(&error), Some(expected), "{error}");
    }
    // Null is not equal to null, and a partial index does not see every row.
    test.add(writer, ["4", "Wuhan", ""], 30, "").await.unwrap();
    test.add(writer, ["5", "Wuhan", ""], 30, "").await.unwrap();
    test.finish().await;
}

#[tokio::test]
async fn a_primary_key_of_numbers_is_told_by_name() {
    let test = TestDb::open().await;
    let insert = "INSERT INTO numbered VALUES (1, 2)";
    test.db.writer().execute_unprepared(insert).await.unwrap();
    let error = test.db.writer().execute_unprepared(insert).await.unwrap_err();
    assert_eq!(test.db.violation(&error), Some(Violation::Unique("pk_numbered".to_owned())), "{error}");
    test.finish().await;
}

#[tokio::test]
async fn a_failure_that_violates_nothing_is_told_as_such() {
    let test = TestDb::open().await;
    let error = test.db.writer().execute_unprepared("SELECT nonsense").await.unwrap_err();
    assert_eq!(test.db.violation(&error), None);
    test.finish().await;
}

struct Twins;

impl MigratorTrait for Twins {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(TwinIndices)]
    }
}

#[derive(DeriveMigrationName)]
struct TwinIndices;

#[async_trait]
impl MigrationTrait for TwinIndices {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared("CREATE TABLE twin (one TEXT, two TEXT)").await?;
        for name in ["uq_twin_a", "uq_twin_b"] {
            let statement = format!("CREATE UNIQUE INDEX {name} ON twin (one, two)");
            connection.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

/// On PostgreSQL they are told apart, so it does not look; the embedded shape keeps them out of every release.
#[tokio::test]
async fn two_unique_indices_over_the_same_columns_are_refused() {
    let database = TestDatabase::new("twins").await;
    let opened = Db::open::<Twins>(database.database(), scrm_testing::clock()).await;
    match Shape::chosen() {
        Shape::Distributed => opened.unwrap().close().await.unwrap(),
        Shape::Embedded => {
            let error = opened.unwrap_err().to_string();
            assert!(["uq_twin_a", "uq_twin_b", "one"].iter().all(|part| error.contains(part)), "{error}");
        }
    }
    database.finish().await;
}

#[tokio::test]
async fn readers_of_a_file_refuse_to_write() {
    if Shape::chosen() == Shape::Distributed {
        return;
    }
    let test = TestDb::open().await;
    let beside = Db::peek(test.database.database(), test.clock().clone()).await.unwrap();
    for reader in [test.db.reader(), beside.reader()] {
        let error = test.add(reader, ["1", "Wuhan", "b1"], 30, "").await.unwrap_err();
        assert!(error.to_string().contains("readonly"), "{error}");
    }
    test.add(test.db.writer(), ["1", "Wuhan", "b1"], 30, "").await.unwrap();
    beside.close().await.unwrap();
    test.finish().await;
}
