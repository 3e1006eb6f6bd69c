//! Channels, their staff, and what they brought each day.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Channels;

#[derive(DeriveIden)]
enum Channel {
    Table,
    Id,
    CorpId,
    Name,
    State,
    Remark,
    SkipVerify,
    IsOn,
    BackupUserId,
    Version,
    Shortfall,
    ConfigId,
    QrCode,
    SyncState,
    Attempt,
    LeaseUntil,
    CalledAt,
    UnclearSince,
    Wanted,
    Applied,
    IsSure,
    IsEnded,
    Problem,
    CreatedAt,
    UpdatedAt,
    GoneAt,
}

#[derive(DeriveIden)]
enum ChannelStaff {
    Table,
    CorpId,
    ChannelId,
    UserKey,
    UserId,
    Position,
    Weight,
    DailyCap,
    Week,
}

#[derive(DeriveIden)]
enum ChannelDay {
    Table,
    CorpId,
    ChannelId,
    Day,
    UserKey,
    UserId,
    Adds,
    Overshoot,
}

#[async_trait]
impl MigrationTrait for Channels {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut channel = Table::create();
        channel
            .table(Channel::Table)
            .col(ColumnDef::new(Channel::Id).uuid().not_null())
            .col(ColumnDef::new(Channel::CorpId).uuid().not_null())
            .col(ColumnDef::new(Channel::Name).text().not_null())
            .col(ColumnDef::new(Channel::State).text().not_null())
            .col(ColumnDef::new(Channel::Remark).text().not_null())
            .col(ColumnDef::new(Channel::SkipVerify).boolean().not_null())
            .col(ColumnDef::new(Channel::IsOn).boolean().not_null())
            .col(ColumnDef::new(Channel::BackupUserId).text())
            .col(ColumnDef::new(Channel::Version).big_integer().not_null())
            .col(ColumnDef::new(Channel::Shortfall).text())
            .col(ColumnDef::new(Channel::ConfigId).text())
            .col(ColumnDef::new(Channel::QrCode).text())
            .col(ColumnDef::new(Channel::SyncState).text().not_null())
            .col(ColumnDef::new(Channel::Attempt).integer().not_null())
            .col(ColumnDef::new(Channel::LeaseUntil).timestamp_with_time_zone())
            .col(ColumnDef::new(Channel::CalledAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Channel::UnclearSince).timestamp_with_time_zone())
            .col(ColumnDef::new(Channel::Wanted).json().not_null())
            .col(ColumnDef::new(Channel::Applied).json())
            .col(ColumnDef::new(Channel::IsSure).boolean().not_null())
            .col(ColumnDef::new(Channel::IsEnded).boolean().not_null())
            .col(ColumnDef::new(Channel::Problem).text())
            .col(ColumnDef::new(Channel::CreatedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Channel::UpdatedAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Channel::GoneAt).timestamp_with_time_zone())
            .primary_key(Index::create().name("pk_channel").col(Channel::Id));
        manager.create_table(channel).await?;

        let mut state = Index::create();
        state
            .name("uq_channel_state")
            .table(Channel::Table)
            .col(Channel::CorpId)
            .col(Channel::State)
            .and_where(Expr::col(Channel::GoneAt).is_null())
            .unique();
        manager.create_index(state).await?;

        let mut newest = Index::create();
        newest.name("ix_channel_newest").table(Channel::Table).col(Channel::CorpId).col(Channel::Id);
        manager.create_index(newest).await?;

        let mut staff = Table::create();
        staff
            .table(ChannelStaff::Table)
            .col(ColumnDef::new(ChannelStaff::CorpId).uuid().not_null())
            .col(ColumnDef::new(ChannelStaff::ChannelId).uuid().not_null())
            .col(ColumnDef::new(ChannelStaff::UserKey).text().not_null())
            .col(ColumnDef::new(ChannelStaff::UserId).text().not_null())
            .col(ColumnDef::new(ChannelStaff::Position).integer().not_null())
            .col(ColumnDef::new(ChannelStaff::Weight).integer().not_null())
            .col(ColumnDef::new(ChannelStaff::DailyCap).integer())
            .col(ColumnDef::new(ChannelStaff::Week).text())
            .primary_key(
                Index::create()
                    .name("pk_channel_staff")
                    .col(ChannelStaff::ChannelId)
                    .col(ChannelStaff::UserKey),
            );
        manager.create_table(staff).await?;

        let mut day = Table::create();
        day.table(ChannelDay::Table)
            .col(ColumnDef::new(ChannelDay::CorpId).uuid().not_null())
            .col(ColumnDef::new(ChannelDay::ChannelId).uuid().not_null())
            .col(ColumnDef::new(ChannelDay::Day).text().not_null())
            .col(ColumnDef::new(ChannelDay::UserKey).text().not_null())
            .col(ColumnDef::new(ChannelDay::UserId).text().not_null())
            .col(ColumnDef::new(ChannelDay::Adds).integer().not_null())
            .col(ColumnDef::new(ChannelDay::Overshoot).integer().not_null())
            .primary_key(
                Index::create()
                    .name("pk_channel_day")
                    .col(ChannelDay::ChannelId)
                    .col(ChannelDay::Day)
                    .col(ChannelDay::UserKey),
            );
        manager.create_table(day).await
    }
}
