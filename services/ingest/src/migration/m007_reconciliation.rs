//! Comparisons of everything that is known with what WeCom has.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Reconciliations;

#[derive(DeriveIden)]
enum Reconciliation {
    Table,
    Id,
    CorpId,
    State,
    Step,
    Cursor,
    Confirmed,
    Departments,
    Members,
    Tags,
    Listed,
    Relations,
    Added,
    Missing,
    Removed,
    Attempts,
    StartedAt,
    ListingAt,
    DueAt,
    FinishedAt,
    Problem,
}

#[async_trait]
impl MigrationTrait for Reconciliations {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut run = Table::create();
        run.table(Reconciliation::Table)
            .col(ColumnDef::new(Reconciliation::Id).uuid().not_null())
            .col(ColumnDef::new(Reconciliation::CorpId).uuid().not_null())
            .col(ColumnDef::new(Reconciliation::State).text().not_null())
            .col(ColumnDef::new(Reconciliation::Step).text().not_null())
            .col(ColumnDef::new(Reconciliation::Cursor).text().not_null())
            .col(ColumnDef::new(Reconciliation::Confirmed).boolean().not_null());
        for count in [
            Reconciliation::Departments,
            Reconciliation::Members,
            Reconciliation::Tags,
            Reconciliation::Listed,
            Reconciliation::Relations,
            Reconciliation::Added,
            Reconciliation::Missing,
            Reconciliation::Removed,
        ] {
            run.col(ColumnDef::new(count).big_integer().not_null());
        }
        run.col(ColumnDef::new(Reconciliation::Attempts).integer().not_null())
            .col(ColumnDef::new(Reconciliation::StartedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Reconciliation::ListingAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Reconciliation::DueAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Reconciliation::FinishedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Reconciliation::Problem).text())
            .primary_key(Index::create().name("pk_reconciliation").col(Reconciliation::Id));
        manager.create_table(run).await?;

        let mut one = Index::create();
        one.name("uq_reconciliation_running")
            .table(Reconciliation::Table)
            .col(Reconciliation::CorpId)
            .unique()
            .and_where(Expr::col(Reconciliation::FinishedAt).is_null());
        manager.create_index(one).await
    }
}
