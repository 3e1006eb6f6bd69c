//! Tags that are to be made in WeCom.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct TagWishes;

#[derive(DeriveIden)]
enum TagWish {
    Table,
    Id,
    CorpId,
    GroupName,
    Name,
    SortOrder,
    State,
    Attempt,
    LeaseUntil,
    TagId,
    Problem,
    CreatedAt,
}

#[async_trait]
impl MigrationTrait for TagWishes {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut wish = Table::create();
        wish.table(TagWish::Table)
            .col(ColumnDef::new(TagWish::Id).uuid().not_null())
            .col(ColumnDef::new(TagWish::CorpId).uuid().not_null())
            .col(ColumnDef::new(TagWish::GroupName).text().not_null())
            .col(ColumnDef::new(TagWish::Name).text().not_null())
            .col(ColumnDef::new(TagWish::SortOrder).big_integer())
            .col(ColumnDef::new(TagWish::State).text().not_null())
            .col(ColumnDef::new(TagWish::Attempt).integer().not_null())
            .col(ColumnDef::new(TagWish::LeaseUntil).timestamp_with_time_zone())
            .col(ColumnDef::new(TagWish::TagId).text())
            .col(ColumnDef::new(TagWish::Problem).text())
            .col(ColumnDef::new(TagWish::CreatedAt).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().name("pk_tag_wish").col(TagWish::Id));
        manager.create_table(wish).await?;
        let mut name = Index::create();
        name.name("uq_tag_wish_name").table(TagWish::Table).unique();
        name.col(TagWish::CorpId).col(TagWish::GroupName).col(TagWish::Name);
        manager.create_index(name).await
    }
}
