//! A lead counts its changes, so that nobody decides on one that is not as they saw it.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct LeadVersion;

#[derive(DeriveIden)]
enum Lead {
    Table,
    Version,
}

#[async_trait]
impl MigrationTrait for LeadVersion {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut lead = Table::alter();
        lead.table(Lead::Table)
            .add_column(ColumnDef::new(Lead::Version).big_integer().not_null().default(1).take());
        manager.alter_table(lead).await
    }
}
