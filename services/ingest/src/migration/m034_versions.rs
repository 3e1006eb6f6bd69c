//! What is declared by name counts its changes, so that two who edit it at once do not undo each other's work.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Versions;

#[derive(DeriveIden)]
enum Column {
    Version,
}

#[derive(DeriveIden)]
enum Declared {
    App,
    Suite,
    LeadSource,
}

#[async_trait]
impl MigrationTrait for Versions {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [Declared::App, Declared::Suite, Declared::LeadSource] {
            let mut version = Table::alter();
            version
                .table(table)
                .add_column(ColumnDef::new(Column::Version).big_integer().not_null().default(1));
            manager.alter_table(version).await?;
        }
        Ok(())
    }
}
