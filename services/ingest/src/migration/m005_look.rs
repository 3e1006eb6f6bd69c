//! What is to be read from WeCom because somebody hinted at it.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Looks;

#[derive(DeriveIden)]
enum Look {
    Table,
    Seq,
    CorpId,
    Kind,
    Subject,
    Spelled,
    App,
    Urgency,
    State,
    DueAt,
    Attempts,
    ReadAt,
    Problem,
}

#[async_trait]
impl MigrationTrait for Looks {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut look = Table::create();
        look.table(Look::Table)
            .col(ColumnDef::new(Look::Seq).big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new(Look::CorpId).uuid().not_null())
            .col(ColumnDef::new(Look::Kind).text().not_null())
            .col(ColumnDef::new(Look::Subject).text().not_null())
            .col(ColumnDef::new(Look::Spelled).text().not_null())
            .col(ColumnDef::new(Look::App).text())
            .col(ColumnDef::new(Look::Urgency).integer().not_null())
            .col(ColumnDef::new(Look::State).text().not_null())
            .col(ColumnDef::new(Look::DueAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Look::Attempts).integer().not_null())
            .col(ColumnDef::new(Look::ReadAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Look::Problem).text());
        manager.create_table(look).await?;

        let mut subject = Index::create();
        subject
            .name("uq_look_subject")
            .table(Look::Table)
            .col(Look::CorpId)
            .col(Look::Kind)
            .col(Look::Subject)
            .unique();
        manager.create_index(subject).await?;

        let mut due = Index::create();
        due.name("ix_look_due")
            .table(Look::Table)
            .col(Look::Urgency)
            .col(Look::DueAt)
            .and_where(Expr::col(Look::DueAt).is_not_null());
        manager.create_index(due).await
    }
}
