//! What the directory tells of members of the staff.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct StaffKnown;

#[derive(DeriveIden)]
enum Staff {
    Table,
    CorpId,
    #[sea_orm(iden = "staff_id")]
    Id,
    Version,
    UserKey,
    UserId,
    Name,
    State,
}

#[derive(DeriveIden)]
enum StaffAlias {
    Table,
    CorpId,
    UserKey,
    StaffId,
}

#[async_trait]
impl MigrationTrait for StaffKnown {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut staff = Table::create();
        staff
            .table(Staff::Table)
            .col(ColumnDef::new(Staff::CorpId).uuid().not_null())
            .col(ColumnDef::new(Staff::Id).uuid().not_null())
            .col(ColumnDef::new(Staff::Version).big_integer().not_null())
            .col(ColumnDef::new(Staff::UserKey).text())
            .col(ColumnDef::new(Staff::UserId).text())
            .col(ColumnDef::new(Staff::Name).text().not_null())
            .col(ColumnDef::new(Staff::State).text().not_null())
            .primary_key(Index::create().name("pk_staff").col(Staff::CorpId).col(Staff::Id));
        manager.create_table(staff).await?;

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
        of_member
            .name("ix_staff_alias_member")
            .table(StaffAlias::Table)
            .col(StaffAlias::CorpId)
            .col(StaffAlias::StaffId);
        manager.create_index(of_member).await
    }
}
