//! Callbacks, which are also the outbox rows of the events they become.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Callbacks;

#[derive(DeriveIden)]
enum Callback {
    Table,
    Seq,
    CorpId,
    App,
    Hash,
    Body,
    State,
    SignedAt,
    ReceivedAt,
    Kind,
    LeasedUntil,
    ProcessedAt,
    Problem,
}

#[async_trait]
impl MigrationTrait for Callbacks {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut callback = Table::create();
        callback
            .table(Callback::Table)
            .col(ColumnDef::new(Callback::Seq).big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new(Callback::CorpId).uuid().not_null())
            .col(ColumnDef::new(Callback::App).text().not_null())
            .col(ColumnDef::new(Callback::Hash).binary().not_null())
            .col(ColumnDef::new(Callback::Body).binary().not_null())
            .col(ColumnDef::new(Callback::State).text().not_null())
            .col(ColumnDef::new(Callback::SignedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Callback::ReceivedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Callback::Kind).text())
            .col(ColumnDef::new(Callback::LeasedUntil).timestamp_with_time_zone())
            .col(ColumnDef::new(Callback::ProcessedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Callback::Problem).text());
        manager.create_table(callback).await?;

        let mut hash = Index::create();
        hash.name("uq_callback_hash")
            .table(Callback::Table)
            .col(Callback::CorpId)
            .col(Callback::App)
            .col(Callback::Hash)
            .unique();
        manager.create_index(hash).await?;

        let mut waiting = Index::create();
        waiting
            .name("ix_callback_waiting")
            .table(Callback::Table)
            .col(Callback::Seq)
            .and_where(Expr::col(Callback::ProcessedAt).is_null());
        manager.create_index(waiting).await?;

        let mut received = Index::create();
        received.name("ix_callback_received_at").table(Callback::Table).col(Callback::ReceivedAt);
        manager.create_index(received).await
    }
}
