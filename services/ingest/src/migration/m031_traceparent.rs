//! What arrives remembers the trace in which it arrived: its event is a later step of it.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Traceparent;

#[derive(DeriveIden)]
enum Callback {
    Table,
    Traceparent,
}

#[derive(DeriveIden)]
enum Submission {
    Table,
    Traceparent,
}

#[async_trait]
impl MigrationTrait for Traceparent {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut callbacks = Table::alter();
        callbacks.table(Callback::Table).add_column(ColumnDef::new(Callback::Traceparent).string());
        manager.alter_table(callbacks).await?;
        let mut submissions = Table::alter();
        submissions.table(Submission::Table).add_column(ColumnDef::new(Submission::Traceparent).string());
        manager.alter_table(submissions).await
    }
}
