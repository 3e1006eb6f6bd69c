//! Which ids in WeCom the directory's people had before.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct FormerIds;

#[derive(DeriveIden)]
enum Staff {
    Table,
    CorpId,
    UserKey,
    UserId,
}

#[derive(DeriveIden)]
enum StaffAlias {
    Table,
    CorpId,
    UserKey,
    StaffId,
}

#[async_trait]
impl MigrationTrait for FormerIds {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Until the directory tells of a member anew, the spelling is not known; nor are the ids they had before.
        let mut spelling = Table::alter();
        spelling.table(Staff::Table).add_column(ColumnDef::new(Staff::UserId).text().not_null().default(""));
        manager.alter_table(spelling).await?;
        let mut of_id = Index::create();
        of_id.name("ix_staff_user").table(Staff::Table).col(Staff::CorpId).col(Staff::UserKey);
        manager.create_index(of_id).await?;

        let mut alias = Table::create();
        alias
            .table(StaffAlias::Table)
            .col(ColumnDef::new(StaffAlias::CorpId).uuid().not_null())
            .col(ColumnDef::new(StaffAlias::UserKey).text().not_null())
            .col(ColumnDef::new(StaffAlias::StaffId).uuid().not_null())
            .primary_key(
                Index::create()
                    .name("pk_staff_alias")
                    .col(StaffAlias::CorpId)
                    .col(StaffAlias::UserKey)
                    .col(StaffAlias::StaffId),
            );
        manager.create_table(alias).await?;
        let mut of_member = Index::create();
        of_member.name("ix_staff_alias_member").table(StaffAlias::Table).col(StaffAlias::StaffId);
        manager.create_index(of_member).await
    }
}
