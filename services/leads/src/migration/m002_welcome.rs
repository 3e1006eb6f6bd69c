//! Relations, names, and welcome messages.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Welcomes;

#[derive(DeriveIden)]
enum Person {
    Table,
    CorpId,
    ExternalUserId,
    Name,
    ReadAt,
}

#[derive(DeriveIden)]
enum Relation {
    Table,
    CorpId,
    UserKey,
    ExternalUserId,
    Number,
    AddedAt,
    AddedSeq,
    RemovedAt,
    RemovedSeq,
}

#[derive(DeriveIden)]
enum Greeting {
    Table,
    CorpId,
    Channel,
    Text,
    Links,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Welcome {
    Table,
    CorpId,
    UserKey,
    ExternalUserId,
    Number,
    State,
    Attempts,
    IsUnclear,
    LeaseUntil,
    App,
    Code,
    CodeHash,
    ExpiresAt,
    SettledAt,
    Problem,
}

#[async_trait]
impl MigrationTrait for Welcomes {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut person = Table::create();
        person
            .table(Person::Table)
            .col(ColumnDef::new(Person::CorpId).uuid().not_null())
            .col(ColumnDef::new(Person::ExternalUserId).text().not_null())
            .col(ColumnDef::new(Person::Name).text().not_null())
            .col(ColumnDef::new(Person::ReadAt).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().name("pk_person").col(Person::CorpId).col(Person::ExternalUserId));
        manager.create_table(person).await?;

        let mut relation = Table::create();
        relation
            .table(Relation::Table)
            .col(ColumnDef::new(Relation::CorpId).uuid().not_null())
            .col(ColumnDef::new(Relation::UserKey).text().not_null())
            .col(ColumnDef::new(Relation::ExternalUserId).text().not_null())
            .col(ColumnDef::new(Relation::Number).integer().not_null())
            .col(ColumnDef::new(Relation::AddedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Relation::AddedSeq).big_integer())
            .col(ColumnDef::new(Relation::RemovedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Relation::RemovedSeq).big_integer())
            .primary_key(
                Index::create()
                    .name("pk_relation")
                    .col(Relation::CorpId)
                    .col(Relation::ExternalUserId)
                    .col(Relation::UserKey),
            );
        manager.create_table(relation).await?;

        let mut greeting = Table::create();
        greeting
            .table(Greeting::Table)
            .col(ColumnDef::new(Greeting::CorpId).uuid().not_null())
            .col(ColumnDef::new(Greeting::Channel).text().not_null())
            .col(ColumnDef::new(Greeting::Text).text().not_null())
            .col(ColumnDef::new(Greeting::Links).json().not_null())
            .col(ColumnDef::new(Greeting::UpdatedAt).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().name("pk_greeting").col(Greeting::CorpId).col(Greeting::Channel));
        manager.create_table(greeting).await?;

        let mut welcome = Table::create();
        welcome
            .table(Welcome::Table)
            .col(ColumnDef::new(Welcome::CorpId).uuid().not_null())
            .col(ColumnDef::new(Welcome::UserKey).text().not_null())
            .col(ColumnDef::new(Welcome::ExternalUserId).text().not_null())
            .col(ColumnDef::new(Welcome::Number).integer().not_null())
            .col(ColumnDef::new(Welcome::State).text().not_null())
            .col(ColumnDef::new(Welcome::Attempts).integer().not_null())
            .col(ColumnDef::new(Welcome::IsUnclear).boolean().not_null())
            .col(ColumnDef::new(Welcome::LeaseUntil).timestamp_with_time_zone())
            .col(ColumnDef::new(Welcome::App).text().not_null())
            .col(ColumnDef::new(Welcome::Code).binary().not_null())
            .col(ColumnDef::new(Welcome::CodeHash).binary().not_null())
            .col(ColumnDef::new(Welcome::ExpiresAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Welcome::SettledAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Welcome::Problem).text())
            .primary_key(
                Index::create()
                    .name("pk_welcome")
                    .col(Welcome::CorpId)
                    .col(Welcome::ExternalUserId)
                    .col(Welcome::UserKey)
                    .col(Welcome::Number),
            );
        manager.create_table(welcome).await
    }
}
