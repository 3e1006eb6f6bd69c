//! A callback that an administrator has published once more does so under a message id of its own.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct CallbackReplay;

#[derive(DeriveIden)]
enum Callback {
    Table,
    ReplayId,
}

#[async_trait]
impl MigrationTrait for CallbackReplay {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut replay = Table::alter();
        replay.table(Callback::Table).add_column(ColumnDef::new(Callback::ReplayId).uuid());
        manager.alter_table(replay).await
    }
}
