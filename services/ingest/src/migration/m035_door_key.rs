//! What tells callbacks apart becomes a short key of its own: a group of them then changes a third of the pages.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::store;

#[derive(DeriveMigrationName)]
pub(super) struct DoorKey;

#[derive(DeriveIden)]
enum Callback {
    Table,
    DoorKey,
}

#[async_trait]
impl MigrationTrait for DoorKey {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut key = Table::alter();
        key.table(Callback::Table).add_column(ColumnDef::new(Callback::DoorKey).binary());
        manager.alter_table(key).await?;
        store::callback::give_door_keys(manager.get_connection()).await?;
        manager.drop_index(Index::drop().name("uq_callback_hash").table(Callback::Table).to_owned()).await?;
        let mut door = Index::create();
        door.name("uq_callback_door_key").table(Callback::Table).col(Callback::DoorKey).unique();
        manager.create_index(door).await
    }
}
