//! The tables that every service with events has, `outbox` and `inbox`, and that of those that create things over HTTP.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// Makes `outbox` and `inbox`; a service lists it first among its migrations.
#[derive(DeriveMigrationName)]
pub struct EventTables;

#[derive(DeriveIden)]
enum Outbox {
    Table,
    Seq,
    MessageId,
    CorpId,
    Kind,
    Key,
    Body,
    OccurredAt,
    ReceivedAt,
    ReceivedSeq,
    Traceparent,
    ReplayOf,
    CreatedAt,
    LeasedUntil,
    PublishedAt,
    Problem,
}

#[derive(DeriveIden)]
enum Inbox {
    Table,
    Consumer,
    MessageId,
    HandledAt,
}

#[async_trait]
impl MigrationTrait for EventTables {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut outbox = Table::create();
        outbox
            .table(Outbox::Table)
            .col(ColumnDef::new(Outbox::Seq).big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new(Outbox::MessageId).uuid().not_null())
            .col(ColumnDef::new(Outbox::CorpId).uuid().not_null())
            .col(ColumnDef::new(Outbox::Kind).text().not_null())
            .col(ColumnDef::new(Outbox::Key).text().not_null())
            .col(ColumnDef::new(Outbox::Body).binary().not_null())
            .col(ColumnDef::new(Outbox::OccurredAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Outbox::ReceivedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Outbox::ReceivedSeq).big_integer())
            .col(ColumnDef::new(Outbox::Traceparent).text())
            .col(ColumnDef::new(Outbox::ReplayOf).uuid())
            .col(ColumnDef::new(Outbox::CreatedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Outbox::LeasedUntil).timestamp_with_time_zone())
            .col(ColumnDef::new(Outbox::PublishedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Outbox::Problem).text());
        manager.create_table(outbox).await?;

        let mut waiting = Index::create();
        waiting
            .name("ix_outbox_waiting")
            .table(Outbox::Table)
            .col(Outbox::Seq)
            .and_where(Expr::col(Outbox::PublishedAt).is_null());
        manager.create_index(waiting).await?;

        let mut inbox = Table::create();
        inbox
            .table(Inbox::Table)
            .col(ColumnDef::new(Inbox::Consumer).text().not_null())
            .col(ColumnDef::new(Inbox::MessageId).uuid().not_null())
            .col(ColumnDef::new(Inbox::HandledAt).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().name("pk_inbox").col(Inbox::Consumer).col(Inbox::MessageId));
        manager.create_table(inbox).await?;

        let mut handled = Index::create();
        handled.name("ix_inbox_handled_at").table(Inbox::Table).col(Inbox::HandledAt);
        manager.create_index(handled).await
    }
}

/// Makes `idempotency`; a service lists it among its migrations if it takes `Idempotency-Key`.
pub struct IdempotencyTable;

/// Not derived: that would be the name of this file, which the event tables have.
impl MigrationName for IdempotencyTable {
    fn name(&self) -> &'static str {
        "idempotency"
    }
}

#[derive(DeriveIden)]
enum Idempotency {
    Table,
    CorpId,
    Scope,
    Key,
    RequestHash,
    Status,
    Body,
    CreatedAt,
}

#[async_trait]
impl MigrationTrait for IdempotencyTable {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut key = Index::create();
        key.name("pk_idempotency").col(Idempotency::CorpId).col(Idempotency::Scope).col(Idempotency::Key);
        let mut idempotency = Table::create();
        idempotency
            .table(Idempotency::Table)
            .col(ColumnDef::new(Idempotency::CorpId).uuid().not_null())
            .col(ColumnDef::new(Idempotency::Scope).text().not_null())
            .col(ColumnDef::new(Idempotency::Key).text().not_null())
            .col(ColumnDef::new(Idempotency::RequestHash).binary().not_null())
            .col(ColumnDef::new(Idempotency::Status).integer())
            .col(ColumnDef::new(Idempotency::Body).binary())
            .col(ColumnDef::new(Idempotency::CreatedAt).timestamp_with_time_zone().not_null())
            .primary_key(&mut key);
        manager.create_table(idempotency).await?;

        let mut created = Index::create();
        created.name("ix_idempotency_created_at").table(Idempotency::Table).col(Idempotency::CreatedAt);
        manager.create_index(created).await
    }
}
