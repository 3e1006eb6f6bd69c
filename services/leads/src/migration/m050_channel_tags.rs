//! The tags that customers of a channel are to have.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct ChannelTags;

#[derive(DeriveIden)]
enum Channel {
    Table,
    Tags,
}

#[async_trait]
impl MigrationTrait for ChannelTags {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut channel = Table::alter();
        channel.table(Channel::Table);
        channel.add_column(ColumnDef::new(Channel::Tags).json().not_null().default("[]"));
        manager.alter_table(channel).await
    }
}
