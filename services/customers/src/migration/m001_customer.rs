//! Customers, their relations with members, and what happened with them.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table, TableCreateStatement};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Customers;

#[derive(DeriveIden)]
enum Customer {
    Table,
    Id,
    CorpId,
    ExternalUserId,
    Name,
    NameKey,
    Kind,
    Gender,
    Avatar,
    Unionid,
    CorpName,
    Position,
    ProfileAt,
    ProfileSeq,
    ReadAt,
    ReadSeq,
    IsGone,
    Version,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Relation {
    Table,
    Id,
    CorpId,
    CustomerId,
    UserKey,
    UserId,
    AddedAt,
    AddedSeq,
    RemovedAt,
    RemovedSeq,
    RemovedBy,
    ListedAt,
    ListedSeq,
    MetAt,
    Remark,
    RemarkKey,
    AddWay,
    Channel,
    IsPresent,
    Version,
    SyncState,
    Attempt,
    LeaseUntil,
    Problem,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Timeline {
    Table,
    Id,
    CorpId,
    CustomerId,
    At,
    Kind,
    UserKey,
    UserId,
    Subject,
    Data,
}

fn customer() -> TableCreateStatement {
    Table::create()
        .table(Customer::Table)
        .col(ColumnDef::new(Customer::Id).uuid().not_null())
        .col(ColumnDef::new(Customer::CorpId).uuid().not_null())
        .col(ColumnDef::new(Customer::ExternalUserId).text().not_null())
        .col(ColumnDef::new(Customer::Name).text().not_null())
        .col(ColumnDef::new(Customer::NameKey).text().not_null())
        .col(ColumnDef::new(Customer::Kind).text().not_null())
        .col(ColumnDef::new(Customer::Gender).text().not_null())
        .col(ColumnDef::new(Customer::Avatar).text().not_null())
        .col(ColumnDef::new(Customer::Unionid).text().not_null())
        .col(ColumnDef::new(Customer::CorpName).text().not_null())
        .col(ColumnDef::new(Customer::Position).text().not_null())
        .col(ColumnDef::new(Customer::ProfileAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Customer::ProfileSeq).big_integer())
        .col(ColumnDef::new(Customer::ReadAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Customer::ReadSeq).big_integer())
        .col(ColumnDef::new(Customer::IsGone).boolean().not_null())
        .col(ColumnDef::new(Customer::Version).big_integer().not_null())
        .col(ColumnDef::new(Customer::CreatedAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(Customer::UpdatedAt).timestamp_with_time_zone().not_null())
        .primary_key(Index::create().name("pk_customer").col(Customer::Id))
        .to_owned()
}

fn relation() -> TableCreateStatement {
    Table::create()
        .table(Relation::Table)
        .col(ColumnDef::new(Relation::Id).uuid().not_null())
        .col(ColumnDef::new(Relation::CorpId).uuid().not_null())
        .col(ColumnDef::new(Relation::CustomerId).uuid().not_null())
        .col(ColumnDef::new(Relation::UserKey).text().not_null())
        .col(ColumnDef::new(Relation::UserId).text().not_null())
        .col(ColumnDef::new(Relation::AddedAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Relation::AddedSeq).big_integer())
        .col(ColumnDef::new(Relation::RemovedAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Relation::RemovedSeq).big_integer())
        .col(ColumnDef::new(Relation::RemovedBy).text())
        .col(ColumnDef::new(Relation::ListedAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Relation::ListedSeq).big_integer())
        .col(ColumnDef::new(Relation::MetAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Relation::Remark).text().not_null())
        .col(ColumnDef::new(Relation::RemarkKey).text().not_null())
        .col(ColumnDef::new(Relation::AddWay).big_integer().not_null())
        .col(ColumnDef::new(Relation::Channel).text().not_null())
        .col(ColumnDef::new(Relation::IsPresent).boolean().not_null())
        .col(ColumnDef::new(Relation::Version).big_integer().not_null())
        .col(ColumnDef::new(Relation::SyncState).text().not_null())
        .col(ColumnDef::new(Relation::Attempt).integer().not_null())
        .col(ColumnDef::new(Relation::LeaseUntil).timestamp_with_time_zone())
        .col(ColumnDef::new(Relation::Problem).text())
        .col(ColumnDef::new(Relation::CreatedAt).timestamp_with_time_zone().not_null())
        .primary_key(Index::create().name("pk_relation").col(Relation::Id))
        .to_owned()
}

fn timeline() -> TableCreateStatement {
    Table::create()
        .table(Timeline::Table)
        .col(ColumnDef::new(Timeline::Id).uuid().not_null())
        .col(ColumnDef::new(Timeline::CorpId).uuid().not_null())
        .col(ColumnDef::new(Timeline::CustomerId).uuid().not_null())
        .col(ColumnDef::new(Timeline::At).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(Timeline::Kind).text().not_null())
        .col(ColumnDef::new(Timeline::UserKey).text())
        .col(ColumnDef::new(Timeline::UserId).text())
        .col(ColumnDef::new(Timeline::Subject).text().not_null())
        .col(ColumnDef::new(Timeline::Data).json().not_null())
        .primary_key(Index::create().name("pk_timeline").col(Timeline::Id))
        .to_owned()
}

#[async_trait]
impl MigrationTrait for Customers {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(customer()).await?;
        let mut natural = Index::create();
        natural.name("uq_customer_external_user_id").table(Customer::Table);
        natural.col(Customer::CorpId).col(Customer::ExternalUserId).unique();
        manager.create_index(natural).await?;
        let mut newest = Index::create();
        newest.name("ix_customer_newest").table(Customer::Table);
        newest.col(Customer::CorpId).col(Customer::IsGone).col(Customer::Id);
        manager.create_index(newest).await?;

        manager.create_table(relation()).await?;
        let mut natural = Index::create();
        natural.name("uq_relation_member").table(Relation::Table);
        natural.col(Relation::CustomerId).col(Relation::UserKey).unique();
        manager.create_index(natural).await?;
        let mut of_member = Index::create();
        of_member.name("ix_relation_of_member").table(Relation::Table);
        of_member.col(Relation::CorpId).col(Relation::UserKey).col(Relation::CustomerId);
        manager.create_index(of_member).await?;

        manager.create_table(timeline()).await?;
        let mut newest = Index::create();
        newest.name("ix_timeline_newest").table(Timeline::Table);
        newest.col(Timeline::CustomerId).col(Timeline::At).col(Timeline::Id);
        manager.create_index(newest).await
    }
}
