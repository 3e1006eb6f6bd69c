//! Indices for lists of leads: those of a customer, of a phone, and of a source. Without them a list walks through all leads.

use async_trait::async_trait;
use sea_orm::sea_query::{ConditionalStatement as _, Expr, ExprTrait as _, Index};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct LeadLists;

#[derive(Clone, DeriveIden)]
enum Lead {
    Table,
    Id,
    CorpId,
    ExternalUserId,
    PhoneIndex,
    Source,
}

#[async_trait]
impl MigrationTrait for LeadLists {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The one before says nothing about the order, so that it was not chosen.
        manager.drop_index(Index::drop().name("ix_lead_phone").table(Lead::Table).to_owned()).await?;
        for (name, column) in [
            ("ix_lead_person", Lead::ExternalUserId),
            ("ix_lead_phone", Lead::PhoneIndex),
            ("ix_lead_source", Lead::Source),
        ] {
            let mut list = Index::create();
            list.name(name)
                .table(Lead::Table)
                .col(Lead::CorpId)
                .col(column.clone())
                .col(Lead::Id)
                .and_where(Expr::col(column).is_not_null());
            manager.create_index(list).await?;
        }
        Ok(())
    }
}
