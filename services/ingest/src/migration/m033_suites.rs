//! Suites of a provider, who authorised them, and who holds which callback address.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, Table};
use sea_orm::{ConnectionTrait as _, DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Suites;

#[derive(DeriveIden)]
enum App {
    Table,
    Suite,
}

#[derive(DeriveIden)]
enum Address {
    Table,
    Name,
    CorpId,
    Holder,
}

#[derive(DeriveIden)]
enum Suite {
    Table,
    Name,
    CorpId,
    WecomId,
    Kind,
    ProviderCorp,
    Secret,
    Token,
    AesKey,
    ApiUrl,
    Ticket,
    TicketAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum SuiteAuthorization {
    Table,
    Suite,
    WecomCorp,
    ProviderId,
    CorpId,
    CorpName,
    App,
    PermanentCode,
    DecidedAt,
    DecidedSeq,
}

#[derive(DeriveIden)]
enum SuiteErrand {
    Table,
    Id,
    CorpId,
    Suite,
    Kind,
    Subject,
    Code,
    ToldAt,
    ToldSeq,
    State,
    DueAt,
    Attempts,
    Problem,
    SettledAt,
}

#[async_trait]
impl MigrationTrait for Suites {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut app = Table::alter();
        app.table(App::Table).add_column(ColumnDef::new(App::Suite).text());
        manager.alter_table(app).await?;

        let mut address = Table::create();
        address
            .table(Address::Table)
            .col(ColumnDef::new(Address::Name).text().not_null())
            .col(ColumnDef::new(Address::CorpId).uuid().not_null())
            .col(ColumnDef::new(Address::Holder).text().not_null())
            .primary_key(Index::create().name("pk_address").col(Address::Name));
        manager.create_table(address).await?;
        let held = "INSERT INTO address (name, corp_id, holder) SELECT name, corp_id, 'app' FROM app";
        manager.get_connection().execute_unprepared(held).await?;

        suite(manager).await?;
        authorization(manager).await?;
        errand(manager).await
    }
}

async fn suite(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut suite = Table::create();
    suite
        .table(Suite::Table)
        .col(ColumnDef::new(Suite::Name).text().not_null())
        .col(ColumnDef::new(Suite::CorpId).uuid().not_null())
        .col(ColumnDef::new(Suite::WecomId).text().not_null())
        .col(ColumnDef::new(Suite::Kind).text().not_null())
        .col(ColumnDef::new(Suite::ProviderCorp).text())
        .col(ColumnDef::new(Suite::Secret).binary().not_null())
        .col(ColumnDef::new(Suite::Token).binary().not_null())
        .col(ColumnDef::new(Suite::AesKey).binary().not_null())
        .col(ColumnDef::new(Suite::ApiUrl).text())
        .col(ColumnDef::new(Suite::Ticket).binary())
        .col(ColumnDef::new(Suite::TicketAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Suite::UpdatedAt).timestamp_with_time_zone().not_null())
        .primary_key(Index::create().name("pk_suite").col(Suite::Name));
    manager.create_table(suite).await
}

async fn authorization(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut key = Index::create();
    key.name("pk_suite_authorization").col(SuiteAuthorization::Suite).col(SuiteAuthorization::WecomCorp);
    let mut authorization = Table::create();
    authorization
        .table(SuiteAuthorization::Table)
        .col(ColumnDef::new(SuiteAuthorization::Suite).text().not_null())
        .col(ColumnDef::new(SuiteAuthorization::WecomCorp).text().not_null())
        .col(ColumnDef::new(SuiteAuthorization::ProviderId).uuid().not_null())
        .col(ColumnDef::new(SuiteAuthorization::CorpId).uuid())
        .col(ColumnDef::new(SuiteAuthorization::CorpName).text().not_null())
        .col(ColumnDef::new(SuiteAuthorization::App).text())
        .col(ColumnDef::new(SuiteAuthorization::PermanentCode).binary())
        .col(ColumnDef::new(SuiteAuthorization::DecidedAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(SuiteAuthorization::DecidedSeq).big_integer().not_null())
        .primary_key(&mut key);
    manager.create_table(authorization).await?;

    let mut app = Index::create();
    app.name("uq_suite_authorization_app")
        .table(SuiteAuthorization::Table)
        .col(SuiteAuthorization::App)
        .unique();
    manager.create_index(app).await
}

async fn errand(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut errand = Table::create();
    errand
        .table(SuiteErrand::Table)
        .col(ColumnDef::new(SuiteErrand::Id).big_integer().not_null().auto_increment().primary_key())
        .col(ColumnDef::new(SuiteErrand::CorpId).uuid().not_null())
        .col(ColumnDef::new(SuiteErrand::Suite).text().not_null())
        .col(ColumnDef::new(SuiteErrand::Kind).text().not_null())
        .col(ColumnDef::new(SuiteErrand::Subject).text().not_null())
        .col(ColumnDef::new(SuiteErrand::Code).binary())
        .col(ColumnDef::new(SuiteErrand::ToldAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(SuiteErrand::ToldSeq).big_integer().not_null())
        .col(ColumnDef::new(SuiteErrand::State).text().not_null())
        .col(ColumnDef::new(SuiteErrand::DueAt).timestamp_with_time_zone())
        .col(ColumnDef::new(SuiteErrand::Attempts).integer().not_null())
        .col(ColumnDef::new(SuiteErrand::Problem).text())
        .col(ColumnDef::new(SuiteErrand::SettledAt).timestamp_with_time_zone());
    manager.create_table(errand).await?;

    let mut subject = Index::create();
    subject
        .name("uq_suite_errand_subject")
        .table(SuiteErrand::Table)
        .col(SuiteErrand::Suite)
        .col(SuiteErrand::Subject)
        .unique();
    manager.create_index(subject).await?;

    let mut due = Index::create();
    due.name("ix_suite_errand_due")
        .table(SuiteErrand::Table)
        .col(SuiteErrand::DueAt)
        .and_where(Expr::col(SuiteErrand::DueAt).is_not_null());
    manager.create_index(due).await
}
