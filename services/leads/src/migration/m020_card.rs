//! Cards that tell owners of new leads, and the answers to them.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Cards;

#[derive(DeriveIden)]
enum Card {
    Table,
    CorpId,
    TaskId,
    Kind,
    LeadId,
    ExternalUserId,
    UserId,
    UserKey,
    AssignedAt,
    MadeAt,
    State,
    Attempts,
    IsUnclear,
    LeaseUntil,
    SettledAt,
    Problem,
    Words,
    GatheredIn,
    MessageId,
    ResponseCode,
    ResponseUntil,
    App,
    Answer,
    AnsweredBy,
    AnsweredAt,
    SupersededAt,
    ChangeState,
    ChangeAttempts,
    ChangeIsUnclear,
    ChangeLeaseUntil,
}

#[derive(DeriveIden)]
enum CardMinute {
    Table,
    CorpId,
    UserKey,
    Minute,
    UserId,
    Sent,
    Gathered,
    State,
    Attempts,
    IsUnclear,
    LeaseUntil,
    SettledAt,
    Problem,
    Words,
    MessageId,
}

#[derive(DeriveIden)]
enum CardClick {
    Table,
    CorpId,
    CodeHash,
    TaskId,
    UserId,
    ButtonKey,
    ClickedAt,
}

#[derive(DeriveIden)]
enum Acknowledgement {
    Table,
    CorpId,
    LeadId,
    UserKey,
    AcknowledgedAt,
}

#[async_trait]
impl MigrationTrait for Cards {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut card = Table::create();
        card.table(Card::Table)
            .col(ColumnDef::new(Card::CorpId).uuid().not_null())
            .col(ColumnDef::new(Card::TaskId).text().not_null())
            .col(ColumnDef::new(Card::Kind).text().not_null())
            .col(ColumnDef::new(Card::LeadId).uuid().not_null())
            .col(ColumnDef::new(Card::ExternalUserId).text())
            .col(ColumnDef::new(Card::UserId).text().not_null())
            .col(ColumnDef::new(Card::UserKey).text().not_null())
            .col(ColumnDef::new(Card::AssignedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Card::MadeAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Card::State).text().not_null())
            .col(ColumnDef::new(Card::Attempts).integer().not_null())
            .col(ColumnDef::new(Card::IsUnclear).boolean().not_null())
            .col(ColumnDef::new(Card::LeaseUntil).timestamp_with_time_zone())
            .col(ColumnDef::new(Card::SettledAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Card::Problem).text())
            .col(ColumnDef::new(Card::Words).binary())
            .col(ColumnDef::new(Card::GatheredIn).timestamp_with_time_zone())
            .col(ColumnDef::new(Card::MessageId).text())
            .col(ColumnDef::new(Card::ResponseCode).binary())
            .col(ColumnDef::new(Card::ResponseUntil).timestamp_with_time_zone())
            .col(ColumnDef::new(Card::App).text())
            .col(ColumnDef::new(Card::Answer).text())
            .col(ColumnDef::new(Card::AnsweredBy).text())
            .col(ColumnDef::new(Card::AnsweredAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Card::SupersededAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Card::ChangeState).text())
            .col(ColumnDef::new(Card::ChangeAttempts).integer().not_null().default(0))
            .col(ColumnDef::new(Card::ChangeIsUnclear).boolean().not_null().default(false))
            .col(ColumnDef::new(Card::ChangeLeaseUntil).timestamp_with_time_zone())
            .primary_key(Index::create().name("pk_card").col(Card::CorpId).col(Card::TaskId));
        manager.create_table(card).await?;

        let mut of_lead = Index::create();
        of_lead.name("ix_card_lead").table(Card::Table).col(Card::CorpId).col(Card::LeadId);
        manager.create_index(of_lead).await?;

        let mut gathered = Index::create();
        gathered
            .name("ix_card_gathered")
            .table(Card::Table)
            .col(Card::CorpId)
            .col(Card::UserKey)
            .col(Card::GatheredIn);
        manager.create_index(gathered).await?;

        let mut minute = Table::create();
        minute
            .table(CardMinute::Table)
            .col(ColumnDef::new(CardMinute::CorpId).uuid().not_null())
            .col(ColumnDef::new(CardMinute::UserKey).text().not_null())
            .col(ColumnDef::new(CardMinute::Minute).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(CardMinute::UserId).text().not_null())
            .col(ColumnDef::new(CardMinute::Sent).integer().not_null())
            .col(ColumnDef::new(CardMinute::Gathered).integer().not_null())
            .col(ColumnDef::new(CardMinute::State).text().not_null())
            .col(ColumnDef::new(CardMinute::Attempts).integer().not_null())
            .col(ColumnDef::new(CardMinute::IsUnclear).boolean().not_null())
            .col(ColumnDef::new(CardMinute::LeaseUntil).timestamp_with_time_zone())
            .col(ColumnDef::new(CardMinute::SettledAt).timestamp_with_time_zone())
            .col(ColumnDef::new(CardMinute::Problem).text())
            .col(ColumnDef::new(CardMinute::Words).binary())
            .col(ColumnDef::new(CardMinute::MessageId).text())
            .primary_key(
                Index::create()
                    .name("pk_card_minute")
                    .col(CardMinute::CorpId)
                    .col(CardMinute::UserKey)
                    .col(CardMinute::Minute),
            );
        manager.create_table(minute).await?;

        let mut click = Table::create();
        click
            .table(CardClick::Table)
            .col(ColumnDef::new(CardClick::CorpId).uuid().not_null())
            .col(ColumnDef::new(CardClick::CodeHash).binary().not_null())
            .col(ColumnDef::new(CardClick::TaskId).text().not_null())
            .col(ColumnDef::new(CardClick::UserId).text().not_null())
            .col(ColumnDef::new(CardClick::ButtonKey).text().not_null())
            .col(ColumnDef::new(CardClick::ClickedAt).timestamp_with_time_zone().not_null())
            .primary_key(
                Index::create().name("pk_card_click").col(CardClick::CorpId).col(CardClick::CodeHash),
            );
        manager.create_table(click).await?;

        let mut acknowledgement = Table::create();
        acknowledgement
            .table(Acknowledgement::Table)
            .col(ColumnDef::new(Acknowledgement::CorpId).uuid().not_null())
            .col(ColumnDef::new(Acknowledgement::LeadId).uuid().not_null())
            .col(ColumnDef::new(Acknowledgement::UserKey).text().not_null())
            .col(ColumnDef::new(Acknowledgement::AcknowledgedAt).timestamp_with_time_zone().not_null())
            .primary_key(
                Index::create()
                    .name("pk_acknowledgement")
                    .col(Acknowledgement::CorpId)
                    .col(Acknowledgement::LeadId)
                    .col(Acknowledgement::UserKey),
            );
        manager.create_table(acknowledgement).await
    }
}
