//! By which name in WeCom the directory's people are known.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct People;

#[derive(DeriveIden)]
enum Staff {
    Table,
    Id,
    CorpId,
    UserKey,
    Version,
}

#[async_trait]
impl MigrationTrait for People {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut staff = Table::create();
        staff
            .table(Staff::Table)
            .col(ColumnDef::new(Staff::Id).uuid().not_null())
            .col(ColumnDef::new(Staff::CorpId).uuid().not_null())
            .col(ColumnDef::new(Staff::UserKey).text().not_null())
            .col(ColumnDef::new(Staff::Version).big_integer().not_null())
            .primary_key(Index::create().name("pk_staff").col(Staff::Id));
        manager.create_table(staff).await
    }
}
