//! Who signs in, and for how long.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Accounts;

#[derive(DeriveIden)]
enum Account {
    Table,
    Id,
    CorpId,
    Version,
    LoginKey,
    Login,
    DisplayName,
    StaffId,
    State,
    PasswordHash,
    PasswordAt,
    CreatedAt,
    SignedInAt,
}

#[derive(DeriveIden)]
enum AccountRole {
    Table,
    CorpId,
    AccountId,
    Role,
}

#[derive(DeriveIden)]
enum Session {
    Table,
    Id,
    CorpId,
    AccountId,
    TokenHash,
    CreatedAt,
    RefreshedAt,
    EndedAt,
    EndedBy,
    UserAgent,
    Address,
}

#[derive(DeriveIden)]
enum SignInFailure {
    Table,
    Side,
    Count,
    Since,
    BlockedUntil,
}

#[derive(DeriveIden)]
enum SetupCode {
    Table,
    CorpId,
    CodeHash,
    MadeAt,
    WrongTries,
    UsedAt,
}

#[async_trait]
impl MigrationTrait for Accounts {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        make_accounts(manager).await?;
        make_sessions(manager).await?;
        make_guards(manager).await
    }
}

async fn make_accounts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut account = Table::create();
    account
        .table(Account::Table)
        .col(ColumnDef::new(Account::Id).uuid().not_null())
        .col(ColumnDef::new(Account::CorpId).uuid().not_null())
        .col(ColumnDef::new(Account::Version).big_integer().not_null())
        .col(ColumnDef::new(Account::LoginKey).text())
        .col(ColumnDef::new(Account::Login).text())
        .col(ColumnDef::new(Account::DisplayName).text().not_null())
        .col(ColumnDef::new(Account::StaffId).uuid())
        .col(ColumnDef::new(Account::State).text().not_null())
        .col(ColumnDef::new(Account::PasswordHash).text())
        .col(ColumnDef::new(Account::PasswordAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Account::CreatedAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(Account::SignedInAt).timestamp_with_time_zone())
        .primary_key(Index::create().name("pk_account").col(Account::Id));
    manager.create_table(account).await?;

    // Whoever signs in says no enterprise, so a login is one in the whole installation.
    let mut login = Index::create();
    login.name("uq_account_login").table(Account::Table).col(Account::LoginKey).unique();
    manager.create_index(login).await?;
    let mut member = Index::create();
    member.name("uq_account_staff").table(Account::Table).col(Account::CorpId).col(Account::StaffId).unique();
    manager.create_index(member).await?;

    let mut role = Table::create();
    role.table(AccountRole::Table)
        .col(ColumnDef::new(AccountRole::CorpId).uuid().not_null())
        .col(ColumnDef::new(AccountRole::AccountId).uuid().not_null())
        .col(ColumnDef::new(AccountRole::Role).text().not_null())
        .primary_key(
            Index::create().name("pk_account_role").col(AccountRole::AccountId).col(AccountRole::Role),
        );
    manager.create_table(role).await
}

async fn make_sessions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut session = Table::create();
    session
        .table(Session::Table)
        .col(ColumnDef::new(Session::Id).uuid().not_null())
        .col(ColumnDef::new(Session::CorpId).uuid().not_null())
        .col(ColumnDef::new(Session::AccountId).uuid().not_null())
        .col(ColumnDef::new(Session::TokenHash).binary().not_null())
        .col(ColumnDef::new(Session::CreatedAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(Session::RefreshedAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(Session::EndedAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Session::EndedBy).text())
        .col(ColumnDef::new(Session::UserAgent).text().not_null())
        .col(ColumnDef::new(Session::Address).text().not_null())
        .primary_key(Index::create().name("pk_session").col(Session::Id));
    manager.create_table(session).await?;

    let mut of_account = Index::create();
    of_account.name("ix_session_account").table(Session::Table).col(Session::CorpId).col(Session::AccountId);
    manager.create_index(of_account).await?;
    let mut ended = Index::create();
    ended.name("ix_session_ended").table(Session::Table).col(Session::EndedAt);
    manager.create_index(ended).await
}

async fn make_guards(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut failure = Table::create();
    failure
        .table(SignInFailure::Table)
        .col(ColumnDef::new(SignInFailure::Side).text().not_null())
        .col(ColumnDef::new(SignInFailure::Count).big_integer().not_null())
        .col(ColumnDef::new(SignInFailure::Since).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(SignInFailure::BlockedUntil).timestamp_with_time_zone())
        .primary_key(Index::create().name("pk_sign_in_failure").col(SignInFailure::Side));
    manager.create_table(failure).await?;

    let mut code = Table::create();
    code.table(SetupCode::Table)
        .col(ColumnDef::new(SetupCode::CorpId).uuid().not_null())
        .col(ColumnDef::new(SetupCode::CodeHash).binary().not_null())
        .col(ColumnDef::new(SetupCode::MadeAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(SetupCode::WrongTries).big_integer().not_null())
        .col(ColumnDef::new(SetupCode::UsedAt).timestamp_with_time_zone())
        .primary_key(Index::create().name("pk_setup_code").col(SetupCode::CorpId));
    manager.create_table(code).await
}
