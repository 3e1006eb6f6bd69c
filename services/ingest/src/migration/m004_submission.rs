//! Lead sources and what they submit; a submission is also the outbox row of its event.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Submissions;

#[derive(DeriveIden)]
enum LeadSource {
    Table,
    Name,
    CorpId,
    Title,
    RoutingGroup,
    Mapping,
    Secret,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Submission {
    Table,
    Seq,
    Id,
    CorpId,
    Source,
    SenderId,
    Hash,
    Body,
    Event,
    ReceivedAt,
    LeasedUntil,
    PublishedAt,
    Problem,
}

#[async_trait]
impl MigrationTrait for Submissions {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut source = Table::create();
        source
            .table(LeadSource::Table)
            .col(ColumnDef::new(LeadSource::Name).text().not_null())
            .col(ColumnDef::new(LeadSource::CorpId).uuid().not_null())
            .col(ColumnDef::new(LeadSource::Title).text().not_null())
            .col(ColumnDef::new(LeadSource::RoutingGroup).text().not_null())
            .col(ColumnDef::new(LeadSource::Mapping).text().not_null())
            .col(ColumnDef::new(LeadSource::Secret).binary().not_null())
            .col(ColumnDef::new(LeadSource::UpdatedAt).timestamp_with_time_zone().not_null())
            .primary_key(Index::create().name("pk_lead_source").col(LeadSource::Name));
        manager.create_table(source).await?;

        let mut submission = Table::create();
        submission
            .table(Submission::Table)
            .col(ColumnDef::new(Submission::Seq).big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new(Submission::Id).uuid().not_null())
            .col(ColumnDef::new(Submission::CorpId).uuid().not_null())
            .col(ColumnDef::new(Submission::Source).text().not_null())
            .col(ColumnDef::new(Submission::SenderId).text().not_null())
            .col(ColumnDef::new(Submission::Hash).binary().not_null())
            .col(ColumnDef::new(Submission::Body).binary().not_null())
            .col(ColumnDef::new(Submission::Event).binary().not_null())
            .col(ColumnDef::new(Submission::ReceivedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Submission::LeasedUntil).timestamp_with_time_zone())
            .col(ColumnDef::new(Submission::PublishedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Submission::Problem).text());
        manager.create_table(submission).await?;

        let mut natural = Index::create();
        natural
            .name("uq_submission_sender_id")
            .table(Submission::Table)
            .col(Submission::CorpId)
            .col(Submission::Source)
            .col(Submission::SenderId)
            .unique();
        manager.create_index(natural).await?;

        let mut waiting = Index::create();
        waiting
            .name("ix_submission_waiting")
            .table(Submission::Table)
            .col(Submission::Seq)
            .and_where(Expr::col(Submission::PublishedAt).is_null());
        manager.create_index(waiting).await?;

        let mut received = Index::create();
        received.name("ix_submission_received_at").table(Submission::Table).col(Submission::ReceivedAt);
        manager.create_index(received).await
    }
}
