//! A lead names its owner by the userid alone; who that is here is known of the staff.

use async_trait::async_trait;
use sea_orm::sea_query::Table;
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct LeadOwner;

#[derive(DeriveIden)]
enum Lead {
    Table,
    OwnerStaffId,
}

#[async_trait]
impl MigrationTrait for LeadOwner {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table(Lead::Table).drop_column(Lead::OwnerStaffId).take()).await
    }
}
