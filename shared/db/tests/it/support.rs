//! A database with the event tables and one table more.

use async_trait::async_trait;
use scrm_db::migration::{EventTables, IdempotencyTable};
use scrm_db::{Cause, Db, outbox};
use scrm_kernel::{Clock, CorpId, MessageId};
use scrm_proto::leads::v1::LeadAssigned;
use scrm_testing::TestDatabase;
use sea_orm::{ConnectionTrait, DbErr, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(EventTables), Box::new(IdempotencyTable), Box::new(Person)]
    }
}

#[derive(DeriveMigrationName)]
struct Person;

#[async_trait]
impl MigrationTrait for Person {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for statement in [
            "CREATE TABLE person (
                id TEXT NOT NULL, town TEXT NOT NULL, badge TEXT, age INTEGER NOT NULL, boss TEXT,
                CONSTRAINT pk_person PRIMARY KEY (id),
                CONSTRAINT ck_person_age CHECK (age >= 0),
                CONSTRAINT fk_person_boss FOREIGN KEY (boss) REFERENCES person (id)
            )",
            "CREATE UNIQUE INDEX uq_person_town_badge ON person (town, badge)",
            "CREATE UNIQUE INDEX uq_person_first ON person (town) WHERE age = 0",
            "CREATE TABLE numbered (
                number BIGINT NOT NULL, also BIGINT NOT NULL,
                CONSTRAINT pk_numbered PRIMARY KEY (number, also)
            )",
        ] {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

/// A database of its own, open.
pub(crate) struct TestDb {
    pub(crate) db: Db,
    pub(crate) database: TestDatabase,
    pub(crate) corp: CorpId,
}

impl TestDb {
    pub(crate) async fn open() -> Self {
        let database = TestDatabase::new("db").await;
        let clock = scrm_testing::clock();
        let corp = CorpId::mint(clock.now());
        let db = Db::open::<Migrator>(database.database(), clock).await.unwrap();
        Self { db, database, corp }
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.db.clock()
    }

    /// Commits events about leads of these names.
    pub(crate) async fn tell(&self, leads: &[&str]) -> Vec<MessageId> {
        let txn = self.db.begin().await.unwrap();
        let mut ids = Vec::new();
        for lead in leads {
            let event = self.event(lead);
            ids.push(outbox::put(&txn, self.corp, &Cause::here(txn.now()), &event).await.unwrap());
        }
        txn.commit().await.unwrap();
        ids
    }

    pub(crate) fn event(&self, lead: &str) -> LeadAssigned {
        LeadAssigned { corp_id: self.corp.to_string(), lead_id: lead.to_owned(), ..LeadAssigned::default() }
    }

    /// Adds a person; empty texts are null.
    pub(crate) async fn add(
        &self,
        connection: &impl ConnectionTrait,
        person: [&str; 3],
        age: i32,
        boss: &str,
    ) -> Result<(), DbErr> {
        let [id, town, badge] = person.map(|text| match text {
            "" => "NULL".to_owned(),
            text => format!("'{text}'"),
        });
        let boss = if boss.is_empty() { "NULL".to_owned() } else { format!("'{boss}'") };
        let statement = sea_orm::Statement::from_string(
            connection.get_database_backend(),
            format!("INSERT INTO person VALUES ({id}, {town}, {badge}, {age}, {boss})"),
        );
        connection.execute_raw(statement).await.map(drop)
    }

    pub(crate) async fn finish(self) {
        self.db.close().await.unwrap();
        self.database.finish().await;
    }
}
