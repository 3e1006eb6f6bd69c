//! Routing groups, their members, and how many leads a member got on a day.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Routing;

#[derive(DeriveIden)]
enum RoutingGroup {
    Table,
    CorpId,
    Name,
    Strategy,
    BackupUserId,
    Version,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum RoutingMember {
    Table,
    CorpId,
    GroupName,
    UserKey,
    UserId,
    Place,
    Weight,
    DailyCap,
    OpenCap,
    IsActive,
    Assigned,
    Turns,
}

#[derive(DeriveIden)]
enum StaffDay {
    Table,
    CorpId,
    UserKey,
    Day,
    Assigned,
}

#[async_trait]
impl MigrationTrait for Routing {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut group = Table::create();
        group
            .table(RoutingGroup::Table)
            .col(ColumnDef::new(RoutingGroup::CorpId).uuid().not_null())
            .col(ColumnDef::new(RoutingGroup::Name).text().not_null())
            .col(ColumnDef::new(RoutingGroup::Strategy).text().not_null())
            .col(ColumnDef::new(RoutingGroup::BackupUserId).text())
            .col(ColumnDef::new(RoutingGroup::Version).big_integer().not_null())
            .col(ColumnDef::new(RoutingGroup::UpdatedAt).timestamp_with_time_zone().not_null())
            .primary_key(
                Index::create().name("pk_routing_group").col(RoutingGroup::CorpId).col(RoutingGroup::Name),
            );
        manager.create_table(group).await?;

        let mut member = Table::create();
        member
            .table(RoutingMember::Table)
            .col(ColumnDef::new(RoutingMember::CorpId).uuid().not_null())
            .col(ColumnDef::new(RoutingMember::GroupName).text().not_null())
            .col(ColumnDef::new(RoutingMember::UserKey).text().not_null())
            .col(ColumnDef::new(RoutingMember::UserId).text().not_null())
            .col(ColumnDef::new(RoutingMember::Place).big_integer().not_null())
            .col(ColumnDef::new(RoutingMember::Weight).big_integer().not_null())
            .col(ColumnDef::new(RoutingMember::DailyCap).big_integer())
            .col(ColumnDef::new(RoutingMember::OpenCap).big_integer())
            .col(ColumnDef::new(RoutingMember::IsActive).boolean().not_null())
            .col(ColumnDef::new(RoutingMember::Assigned).big_integer().not_null())
            .col(ColumnDef::new(RoutingMember::Turns).big_integer().not_null())
            .primary_key(
                Index::create()
                    .name("pk_routing_member")
                    .col(RoutingMember::CorpId)
                    .col(RoutingMember::GroupName)
                    .col(RoutingMember::UserKey),
            );
        manager.create_table(member).await?;

        let mut day = Table::create();
        day.table(StaffDay::Table)
            .col(ColumnDef::new(StaffDay::CorpId).uuid().not_null())
            .col(ColumnDef::new(StaffDay::UserKey).text().not_null())
            .col(ColumnDef::new(StaffDay::Day).text().not_null())
            .col(ColumnDef::new(StaffDay::Assigned).big_integer().not_null())
            .primary_key(
                Index::create()
                    .name("pk_staff_day")
                    .col(StaffDay::CorpId)
                    .col(StaffDay::UserKey)
                    .col(StaffDay::Day),
            );
        manager.create_table(day).await
    }
}
