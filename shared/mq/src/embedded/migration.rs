//! The table of the embedded broker.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

pub(super) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Messages)]
    }
}

#[derive(DeriveMigrationName)]
struct Messages;

#[derive(DeriveIden)]
enum Message {
    Table,
    Id,
    Queue,
    DueAt,
    Attempt,
    Head,
    Body,
    QueuedAt,
    Reason,
}

#[async_trait]
impl MigrationTrait for Messages {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut message = Table::create();
        message
            .table(Message::Table)
            .col(ColumnDef::new(Message::Id).big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new(Message::Queue).text().not_null())
            .col(ColumnDef::new(Message::DueAt).big_integer().not_null())
            .col(ColumnDef::new(Message::Attempt).integer().not_null())
            .col(ColumnDef::new(Message::Head).text().not_null())
            .col(ColumnDef::new(Message::Body).binary().not_null())
            .col(ColumnDef::new(Message::QueuedAt).big_integer().not_null())
            .col(ColumnDef::new(Message::Reason).text());
        manager.create_table(message).await?;

        let mut due = Index::create();
        due.name("ix_message_due")
            .table(Message::Table)
            .col(Message::Queue)
            .col(Message::DueAt)
            .col(Message::Id);
        manager.create_index(due).await
    }
}
