//! Words of welcome messages count their changes, so that two who edit them at once do not undo each other's work.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct GreetingVersion;

#[derive(DeriveIden)]
enum Greeting {
    Table,
    Version,
}

#[async_trait]
impl MigrationTrait for GreetingVersion {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut version = Table::alter();
        version
            .table(Greeting::Table)
            .add_column(ColumnDef::new(Greeting::Version).big_integer().not_null().default(1));
        manager.alter_table(version).await
    }
}
