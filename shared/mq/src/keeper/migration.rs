//! The table that every service with consumers has.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, Table};
use sea_orm::{DbErr, DeriveIden};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// Makes `dead_letter`; a service that consumes events lists it among its migrations.
pub struct DeadLetterTable;

/// Not derived: that would be the name of this file, which another table may have too.
impl MigrationName for DeadLetterTable {
    fn name(&self) -> &'static str {
        "dead_letter"
    }
}

#[derive(DeriveIden)]
enum DeadLetter {
    Table,
    Seq,
    Id,
    CorpId,
    Queue,
    MessageId,
    Head,
    Body,
    IsReadable,
    Kind,
    Key,
    OccurredAt,
    ReceivedAt,
    ReceivedSeq,
    Attempts,
    Deaths,
    Reason,
    DiedAt,
    State,
    Version,
    ResolvedAt,
    ResolvedBy,
    ResolvedReason,
    LeasedUntil,
}

#[async_trait]
impl MigrationTrait for DeadLetterTable {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut letter = Table::create();
        letter
            .table(DeadLetter::Table)
            .col(ColumnDef::new(DeadLetter::Seq).big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new(DeadLetter::Id).uuid().not_null())
            .col(ColumnDef::new(DeadLetter::CorpId).uuid().not_null())
            .col(ColumnDef::new(DeadLetter::Queue).text().not_null())
            .col(ColumnDef::new(DeadLetter::MessageId).uuid().not_null())
            .col(ColumnDef::new(DeadLetter::Head).text().not_null())
            .col(ColumnDef::new(DeadLetter::Body).binary().not_null())
            .col(ColumnDef::new(DeadLetter::IsReadable).boolean().not_null())
            .col(ColumnDef::new(DeadLetter::Kind).text().not_null())
            .col(ColumnDef::new(DeadLetter::Key).text().not_null())
            .col(ColumnDef::new(DeadLetter::OccurredAt).timestamp_with_time_zone())
            .col(ColumnDef::new(DeadLetter::ReceivedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(DeadLetter::ReceivedSeq).big_integer())
            .col(ColumnDef::new(DeadLetter::Attempts).integer().not_null())
            .col(ColumnDef::new(DeadLetter::Deaths).integer().not_null())
            .col(ColumnDef::new(DeadLetter::Reason).text().not_null())
            .col(ColumnDef::new(DeadLetter::DiedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(DeadLetter::State).text().not_null())
            .col(ColumnDef::new(DeadLetter::Version).big_integer().not_null())
            .col(ColumnDef::new(DeadLetter::ResolvedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(DeadLetter::ResolvedBy).text())
            .col(ColumnDef::new(DeadLetter::ResolvedReason).text())
            .col(ColumnDef::new(DeadLetter::LeasedUntil).timestamp_with_time_zone());
        manager.create_table(letter).await?;

        let mut id = Index::create();
        id.name("uq_dead_letter_id").table(DeadLetter::Table).col(DeadLetter::Id).unique();
        manager.create_index(id).await?;

        let mut message = Index::create();
        message
            .name("uq_dead_letter_message")
            .table(DeadLetter::Table)
            .col(DeadLetter::Queue)
            .col(DeadLetter::MessageId)
            .unique();
        manager.create_index(message).await?;

        let mut open = Index::create();
        open.name("ix_dead_letter_open")
            .table(DeadLetter::Table)
            .col(DeadLetter::State)
            .col(DeadLetter::Queue)
            .col(DeadLetter::DiedAt)
            .and_where(Expr::col(DeadLetter::State).is_in(["waiting", "redriving"]));
        manager.create_index(open).await?;

        let mut listed = Index::create();
        listed
            .name("ix_dead_letter_listed")
            .table(DeadLetter::Table)
            .col(DeadLetter::CorpId)
            .col(DeadLetter::Seq);
        manager.create_index(listed).await
    }
}
