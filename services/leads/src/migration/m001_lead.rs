//! Leads and touches.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Leads;

#[derive(DeriveIden)]
enum Lead {
    Table,
    Id,
    CorpId,
    ExternalUserId,
    OwnerStaffId,
    OwnerUserId,
    ReasonCode,
    ClaimedAt,
    ClaimedSeq,
    Channel,
    Stage,
    ReceivedAt,
    AssignedAt,
    ClosedAt,
}

#[derive(DeriveIden)]
enum Touch {
    Table,
    Id,
    CorpId,
    ExternalUserId,
    UserKey,
    Channel,
    OccurredAt,
    ConfirmedAt,
}

#[async_trait]
impl MigrationTrait for Leads {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut lead = Table::create();
        lead.table(Lead::Table)
            .col(ColumnDef::new(Lead::Id).uuid().not_null())
            .col(ColumnDef::new(Lead::CorpId).uuid().not_null())
            .col(ColumnDef::new(Lead::ExternalUserId).text().not_null())
            .col(ColumnDef::new(Lead::OwnerStaffId).uuid())
            .col(ColumnDef::new(Lead::OwnerUserId).text().not_null())
            .col(ColumnDef::new(Lead::ReasonCode).text().not_null())
            .col(ColumnDef::new(Lead::ClaimedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Lead::ClaimedSeq).big_integer().not_null())
            .col(ColumnDef::new(Lead::Channel).text())
            .col(ColumnDef::new(Lead::Stage).text().not_null())
            .col(ColumnDef::new(Lead::ReceivedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Lead::AssignedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Lead::ClosedAt).timestamp_with_time_zone())
            .primary_key(Index::create().name("pk_lead").col(Lead::Id));
        manager.create_table(lead).await?;

        let mut open = Index::create();
        open.name("uq_lead_open")
            .table(Lead::Table)
            .col(Lead::CorpId)
            .col(Lead::ExternalUserId)
            .and_where(Expr::col(Lead::ClosedAt).is_null())
            .unique();
        manager.create_index(open).await?;

        let mut newest = Index::create();
        newest.name("ix_lead_newest").table(Lead::Table).col(Lead::CorpId).col(Lead::Id);
        manager.create_index(newest).await?;

        let mut touch = Table::create();
        touch
            .table(Touch::Table)
            .col(ColumnDef::new(Touch::Id).uuid().not_null())
            .col(ColumnDef::new(Touch::CorpId).uuid().not_null())
            .col(ColumnDef::new(Touch::ExternalUserId).text().not_null())
            .col(ColumnDef::new(Touch::UserKey).text().not_null())
            .col(ColumnDef::new(Touch::Channel).text().not_null())
            .col(ColumnDef::new(Touch::OccurredAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Touch::ConfirmedAt).timestamp_with_time_zone())
            .primary_key(Index::create().name("pk_touch").col(Touch::Id));
        manager.create_table(touch).await?;

        let mut natural = Index::create();
        natural
            .name("uq_touch")
            .table(Touch::Table)
            .col(Touch::CorpId)
            .col(Touch::ExternalUserId)
            .col(Touch::UserKey)
            .col(Touch::Channel)
            .col(Touch::OccurredAt)
            .unique();
        manager.create_index(natural).await
    }
}
