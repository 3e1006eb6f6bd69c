//! Transfers of customers from one member to another.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Transfers;

#[derive(DeriveIden)]
enum Transfer {
    Table,
    Id,
    CorpId,
    LeadId,
    ExternalUserId,
    FromUserId,
    FromUserKey,
    ToUserId,
    ToUserKey,
    RequestedBy,
    SuccessMsg,
    State,
    Attempts,
    IsUnclear,
    LeaseUntil,
    RequestedAt,
    AcceptedAt,
    LookAt,
    SettledAt,
    Errcode,
    Problem,
}

#[async_trait]
impl MigrationTrait for Transfers {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut transfer = Table::create();
        transfer
            .table(Transfer::Table)
            .col(ColumnDef::new(Transfer::Id).uuid().not_null())
            .col(ColumnDef::new(Transfer::CorpId).uuid().not_null())
            .col(ColumnDef::new(Transfer::LeadId).uuid().not_null())
            .col(ColumnDef::new(Transfer::ExternalUserId).text().not_null())
            .col(ColumnDef::new(Transfer::FromUserId).text().not_null())
            .col(ColumnDef::new(Transfer::FromUserKey).text().not_null())
            .col(ColumnDef::new(Transfer::ToUserId).text().not_null())
            .col(ColumnDef::new(Transfer::ToUserKey).text().not_null())
            .col(ColumnDef::new(Transfer::RequestedBy).text().not_null())
            .col(ColumnDef::new(Transfer::SuccessMsg).binary())
            .col(ColumnDef::new(Transfer::State).text().not_null())
            .col(ColumnDef::new(Transfer::Attempts).integer().not_null())
            .col(ColumnDef::new(Transfer::IsUnclear).boolean().not_null())
            .col(ColumnDef::new(Transfer::LeaseUntil).timestamp_with_time_zone())
            .col(ColumnDef::new(Transfer::RequestedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Transfer::AcceptedAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Transfer::LookAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Transfer::SettledAt).timestamp_with_time_zone())
            .col(ColumnDef::new(Transfer::Errcode).big_integer())
            .col(ColumnDef::new(Transfer::Problem).text())
            .primary_key(Index::create().name("pk_transfer").col(Transfer::Id));
        manager.create_table(transfer).await?;

        let mut open = Index::create();
        open.name("uq_transfer_open")
            .table(Transfer::Table)
            .col(Transfer::LeadId)
            .and_where(Expr::col(Transfer::SettledAt).is_null())
            .unique();
        manager.create_index(open).await?;

        let mut person = Index::create();
        person
            .name("ix_transfer_person")
            .table(Transfer::Table)
            .col(Transfer::CorpId)
            .col(Transfer::ExternalUserId);
        manager.create_index(person).await?;

        let mut of_lead = Index::create();
        of_lead.name("ix_transfer_lead").table(Transfer::Table).col(Transfer::LeadId).col(Transfer::Id);
        manager.create_index(of_lead).await?;

        let mut look = Index::create();
        look.name("ix_transfer_look")
            .table(Transfer::Table)
            .col(Transfer::LookAt)
            .and_where(Expr::col(Transfer::SettledAt).is_null());
        manager.create_index(look).await
    }
}
