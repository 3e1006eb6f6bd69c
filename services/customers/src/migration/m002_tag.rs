//! The enterprise's tags, and which of them relations have.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Tags;

#[derive(DeriveIden)]
enum TagLibrary {
    Table,
    CorpId,
    ReadAt,
}

#[derive(DeriveIden)]
enum TagGroup {
    Table,
    CorpId,
    Id,
    Name,
    SortOrder,
    ReadAt,
}

#[derive(DeriveIden)]
enum Tag {
    Table,
    CorpId,
    Id,
    GroupId,
    Name,
    SortOrder,
    ReadAt,
}

#[derive(DeriveIden)]
enum RelationTag {
    Table,
    CorpId,
    RelationId,
    TagId,
    InWecom,
    WishOn,
    WishAt,
    Refusal,
    SettledAt,
    IsOn,
}

#[async_trait]
impl MigrationTrait for Tags {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut library = Table::create();
        library
            .table(TagLibrary::Table)
            .col(ColumnDef::new(TagLibrary::CorpId).uuid().not_null())
            .col(ColumnDef::new(TagLibrary::ReadAt).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().name("pk_tag_library").col(TagLibrary::CorpId));
        manager.create_table(library).await?;

        let mut group = Table::create();
        group
            .table(TagGroup::Table)
            .col(ColumnDef::new(TagGroup::CorpId).uuid().not_null())
            .col(ColumnDef::new(TagGroup::Id).text().not_null())
            .col(ColumnDef::new(TagGroup::Name).text().not_null())
            .col(ColumnDef::new(TagGroup::SortOrder).big_integer().not_null())
            .col(ColumnDef::new(TagGroup::ReadAt).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().name("pk_tag_group").col(TagGroup::CorpId).col(TagGroup::Id));
        manager.create_table(group).await?;

        let mut tag = Table::create();
        tag.table(Tag::Table)
            .col(ColumnDef::new(Tag::CorpId).uuid().not_null())
            .col(ColumnDef::new(Tag::Id).text().not_null())
            .col(ColumnDef::new(Tag::GroupId).text().not_null())
            .col(ColumnDef::new(Tag::Name).text().not_null())
            .col(ColumnDef::new(Tag::SortOrder).big_integer().not_null())
            .col(ColumnDef::new(Tag::ReadAt).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().name("pk_tag").col(Tag::CorpId).col(Tag::Id));
        manager.create_table(tag).await?;

        let mut mark = Table::create();
        mark.table(RelationTag::Table)
            .col(ColumnDef::new(RelationTag::CorpId).uuid().not_null())
            .col(ColumnDef::new(RelationTag::RelationId).uuid().not_null())
            .col(ColumnDef::new(RelationTag::TagId).text().not_null())
            .col(ColumnDef::new(RelationTag::InWecom).boolean().not_null())
            .col(ColumnDef::new(RelationTag::WishOn).boolean())
            .col(ColumnDef::new(RelationTag::WishAt).timestamp_with_time_zone())
            .col(ColumnDef::new(RelationTag::Refusal).text())
            .col(ColumnDef::new(RelationTag::SettledAt).timestamp_with_time_zone())
            .col(ColumnDef::new(RelationTag::IsOn).boolean().not_null())
            .primary_key(
                Index::create().name("pk_relation_tag").col(RelationTag::RelationId).col(RelationTag::TagId),
            );
        manager.create_table(mark).await?;
        let mut of_tag = Index::create();
        of_tag.name("ix_relation_tag_of_tag").table(RelationTag::Table);
        of_tag.col(RelationTag::CorpId).col(RelationTag::TagId).col(RelationTag::RelationId);
        manager.create_index(of_tag).await
    }
}
