//! Access tokens, and where the API of an app's WeCom is.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Tokens;

#[derive(DeriveIden)]
enum App {
    Table,
    ApiUrl,
}

#[derive(DeriveIden)]
enum AccessToken {
    Table,
    App,
    CorpId,
    BaseUrl,
    Token,
    Hash,
    ExpiresAt,
    RefreshingUntil,
}

#[async_trait]
impl MigrationTrait for Tokens {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut app = Table::alter();
        app.table(App::Table).add_column(ColumnDef::new(App::ApiUrl).text());
        manager.alter_table(app).await?;

        let mut token = Table::create();
        token
            .table(AccessToken::Table)
            .col(ColumnDef::new(AccessToken::App).text().not_null())
            .col(ColumnDef::new(AccessToken::CorpId).uuid().not_null())
            .col(ColumnDef::new(AccessToken::BaseUrl).text().not_null())
            .col(ColumnDef::new(AccessToken::Token).binary())
            .col(ColumnDef::new(AccessToken::Hash).binary())
            .col(ColumnDef::new(AccessToken::ExpiresAt).timestamp_with_time_zone())
            .col(ColumnDef::new(AccessToken::RefreshingUntil).timestamp_with_time_zone())
            .primary_key(Index::create().name("pk_access_token").col(AccessToken::App));
        manager.create_table(token).await
    }
}
