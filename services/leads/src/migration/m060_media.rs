//! Files that are attached to welcome messages, their copies at WeCom, and which greeting uses which.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct MediaKept;

#[derive(DeriveIden)]
enum Media {
    Table,
    Id,
    CorpId,
    Kind,
    Name,
    Bytes,
    Sha256,
    CreatedAt,
}

#[derive(DeriveIden)]
enum MediaCopy {
    Table,
    CorpId,
    MediaId,
    App,
    WecomMediaId,
    UploadedAt,
    ClaimedUntil,
    Problem,
}

#[derive(DeriveIden)]
enum GreetingMedia {
    Table,
    CorpId,
    Channel,
    MediaId,
}

#[derive(DeriveIden)]
enum Greeting {
    Table,
    Attachments,
}

#[async_trait]
impl MigrationTrait for MediaKept {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut media = Table::create();
        media
            .table(Media::Table)
            .col(ColumnDef::new(Media::Id).uuid().not_null())
            .col(ColumnDef::new(Media::CorpId).uuid().not_null())
            .col(ColumnDef::new(Media::Kind).text().not_null())
            .col(ColumnDef::new(Media::Name).text().not_null())
            .col(ColumnDef::new(Media::Bytes).big_integer().not_null())
            .col(ColumnDef::new(Media::Sha256).binary().not_null())
            .col(ColumnDef::new(Media::CreatedAt).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().name("pk_media").col(Media::Id));
        manager.create_table(media).await?;
        let mut content = Index::create();
        content
            .name("uq_media_content")
            .table(Media::Table)
            .col(Media::CorpId)
            .col(Media::Kind)
            .col(Media::Sha256)
            .unique();
        manager.create_index(content).await?;

        let mut copy = Table::create();
        copy.table(MediaCopy::Table)
            .col(ColumnDef::new(MediaCopy::CorpId).uuid().not_null())
            .col(ColumnDef::new(MediaCopy::MediaId).uuid().not_null())
            .col(ColumnDef::new(MediaCopy::App).text().not_null())
            .col(ColumnDef::new(MediaCopy::WecomMediaId).text())
            .col(ColumnDef::new(MediaCopy::UploadedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(MediaCopy::ClaimedUntil).timestamp_with_time_zone())
            .col(ColumnDef::new(MediaCopy::Problem).text())
            .primary_key(
                Index::create()
                    .name("pk_media_copy")
                    .col(MediaCopy::CorpId)
                    .col(MediaCopy::MediaId)
                    .col(MediaCopy::App),
            );
        manager.create_table(copy).await?;

        let mut used = Table::create();
        used.table(GreetingMedia::Table)
            .col(ColumnDef::new(GreetingMedia::CorpId).uuid().not_null())
            .col(ColumnDef::new(GreetingMedia::MediaId).uuid().not_null())
            .col(ColumnDef::new(GreetingMedia::Channel).text().not_null())
            .primary_key(
                Index::create()
                    .name("pk_greeting_media")
                    .col(GreetingMedia::CorpId)
                    .col(GreetingMedia::MediaId)
                    .col(GreetingMedia::Channel),
            );
        manager.create_table(used).await?;

        // Null in rows of before: their links are what is attached.
        let mut greeting = Table::alter();
        greeting.table(Greeting::Table).add_column(ColumnDef::new(Greeting::Attachments).json());
        manager.alter_table(greeting).await
    }
}
