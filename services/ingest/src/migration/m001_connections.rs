//! Enterprises and their apps.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Connections;

#[derive(DeriveIden)]
enum Corp {
    Table,
    Id,
    WecomId,
    CreatedAt,
}

#[derive(DeriveIden)]
enum App {
    Table,
    Name,
    CorpId,
    Kind,
    AgentId,
    Secret,
    Token,
    AesKey,
    UpdatedAt,
}

#[async_trait]
impl MigrationTrait for Connections {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut corp = Table::create();
        corp.table(Corp::Table)
            .col(ColumnDef::new(Corp::Id).uuid().not_null())
            .col(ColumnDef::new(Corp::WecomId).text())
            .col(ColumnDef::new(Corp::CreatedAt).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().name("pk_corp").col(Corp::Id));
        manager.create_table(corp).await?;

        let mut wecom_id = Index::create();
        wecom_id.name("uq_corp_wecom_id").table(Corp::Table).col(Corp::WecomId).unique();
        manager.create_index(wecom_id).await?;

        let mut app = Table::create();
        app.table(App::Table)
            .col(ColumnDef::new(App::Name).text().not_null())
            .col(ColumnDef::new(App::CorpId).uuid().not_null())
            .col(ColumnDef::new(App::Kind).text().not_null())
            .col(ColumnDef::new(App::AgentId).big_integer().not_null())
            .col(ColumnDef::new(App::Secret).binary().not_null())
            .col(ColumnDef::new(App::Token).binary().not_null())
            .col(ColumnDef::new(App::AesKey).binary().not_null())
            .col(ColumnDef::new(App::UpdatedAt).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().name("pk_app").col(App::Name));
        manager.create_table(app).await
    }
}
