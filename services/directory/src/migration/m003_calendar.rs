//! Business calendars.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Calendars;

#[derive(DeriveIden)]
enum Calendar {
    Table,
    Id,
    CorpId,
    Version,
    Name,
    Zone,
    Week,
    FollowsHolidays,
    Days,
    IsDefault,
    Holidays,
}

#[async_trait]
impl MigrationTrait for Calendars {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut calendar = Table::create();
        calendar
            .table(Calendar::Table)
            .col(ColumnDef::new(Calendar::Id).uuid().not_null())
            .col(ColumnDef::new(Calendar::CorpId).uuid().not_null())
            .col(ColumnDef::new(Calendar::Version).big_integer().not_null())
            .col(ColumnDef::new(Calendar::Name).text().not_null())
            .col(ColumnDef::new(Calendar::Zone).text().not_null())
            .col(ColumnDef::new(Calendar::Week).json().not_null())
            .col(ColumnDef::new(Calendar::FollowsHolidays).boolean().not_null())
            .col(ColumnDef::new(Calendar::Days).json().not_null())
            .col(ColumnDef::new(Calendar::IsDefault).boolean().not_null())
            .col(ColumnDef::new(Calendar::Holidays).text().not_null())
            .primary_key(Index::create().name("pk_calendar").col(Calendar::Id));
        manager.create_table(calendar).await?;

        let mut listed = Index::create();
        listed.name("ix_calendar_corp").table(Calendar::Table).col(Calendar::CorpId).col(Calendar::Id);
        manager.create_index(listed).await?;

        let mut default = Index::create();
        default
            .name("uq_calendar_default")
            .table(Calendar::Table)
            .col(Calendar::CorpId)
            .unique()
            .and_where(Expr::col(Calendar::IsDefault).eq(true));
        manager.create_index(default).await
    }
}
