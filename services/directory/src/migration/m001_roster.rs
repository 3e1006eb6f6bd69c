//! Staff, the ids that they have and had, and departments.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Rosters;

#[derive(DeriveIden)]
enum Roster {
    Table,
    CorpId,
    ListedAt,
    ListedSeq,
}

#[derive(DeriveIden)]
enum Staff {
    Table,
    Id,
    CorpId,
    Version,
    UserId,
    FormerUserIds,
    State,
    SameAs,
    ReadAt,
    ReadSeq,
    ReadState,
    Name,
    Alias,
    Position,
    Avatar,
    MainDepartment,
    LeaderUserIds,
    SearchText,
}

#[derive(DeriveIden)]
enum StaffTenure {
    Table,
    CorpId,
    StaffId,
    Place,
    UserKey,
    UserId,
    BeganAt,
    BeganBy,
    EndedAt,
    EndedBy,
}

#[derive(DeriveIden)]
enum StaffDepartment {
    Table,
    CorpId,
    StaffId,
    DepartmentId,
    Leads,
}

#[derive(DeriveIden)]
enum MemberGone {
    Table,
    CorpId,
    UserKey,
    OccurredAt,
    ReceivedSeq,
}

#[derive(DeriveIden)]
enum Department {
    Table,
    CorpId,
    Number,
    Version,
    Name,
    ParentId,
    Rank,
    LeaderUserIds,
    IsRemoved,
}

#[async_trait]
impl MigrationTrait for Rosters {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        make_staff(manager).await?;
        make_tenures(manager).await?;
        make_departments(manager).await
    }
}

async fn make_staff(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut roster = Table::create();
    roster
        .table(Roster::Table)
        .col(ColumnDef::new(Roster::CorpId).uuid().not_null())
        .col(ColumnDef::new(Roster::ListedAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Roster::ListedSeq).big_integer())
        .primary_key(Index::create().name("pk_roster").col(Roster::CorpId));
    manager.create_table(roster).await?;

    let mut staff = Table::create();
    staff
        .table(Staff::Table)
        .col(ColumnDef::new(Staff::Id).uuid().not_null())
        .col(ColumnDef::new(Staff::CorpId).uuid().not_null())
        .col(ColumnDef::new(Staff::Version).big_integer().not_null())
        .col(ColumnDef::new(Staff::UserId).text())
        .col(ColumnDef::new(Staff::FormerUserIds).json().not_null())
        .col(ColumnDef::new(Staff::State).text().not_null())
        .col(ColumnDef::new(Staff::SameAs).uuid())
        .col(ColumnDef::new(Staff::ReadAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Staff::ReadSeq).big_integer())
        .col(ColumnDef::new(Staff::ReadState).text().not_null())
        .col(ColumnDef::new(Staff::Name).text().not_null())
        .col(ColumnDef::new(Staff::Alias).text().not_null())
        .col(ColumnDef::new(Staff::Position).text().not_null())
        .col(ColumnDef::new(Staff::Avatar).text().not_null())
        .col(ColumnDef::new(Staff::MainDepartment).big_integer())
        .col(ColumnDef::new(Staff::LeaderUserIds).json().not_null())
        .col(ColumnDef::new(Staff::SearchText).text().not_null())
        .primary_key(Index::create().name("pk_staff").col(Staff::Id));
    manager.create_table(staff).await?;

    let mut listed = Index::create();
    listed.name("ix_staff_corp").table(Staff::Table).col(Staff::CorpId).col(Staff::Id);
    manager.create_index(listed).await?;

    let mut place = Table::create();
    place
        .table(StaffDepartment::Table)
        .col(ColumnDef::new(StaffDepartment::CorpId).uuid().not_null())
        .col(ColumnDef::new(StaffDepartment::StaffId).uuid().not_null())
        .col(ColumnDef::new(StaffDepartment::DepartmentId).big_integer().not_null())
        .col(ColumnDef::new(StaffDepartment::Leads).boolean().not_null())
        .primary_key(
            Index::create()
                .name("pk_staff_department")
                .col(StaffDepartment::StaffId)
                .col(StaffDepartment::DepartmentId),
        );
    manager.create_table(place).await?;

    let mut members = Index::create();
    members
        .name("ix_staff_department_members")
        .table(StaffDepartment::Table)
        .col(StaffDepartment::CorpId)
        .col(StaffDepartment::DepartmentId);
    manager.create_index(members).await
}

async fn make_tenures(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut tenure = Table::create();
    tenure
        .table(StaffTenure::Table)
        .col(ColumnDef::new(StaffTenure::CorpId).uuid().not_null())
        .col(ColumnDef::new(StaffTenure::StaffId).uuid().not_null())
        .col(ColumnDef::new(StaffTenure::Place).integer().not_null())
        .col(ColumnDef::new(StaffTenure::UserKey).text().not_null())
        .col(ColumnDef::new(StaffTenure::UserId).text().not_null())
        .col(ColumnDef::new(StaffTenure::BeganAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(StaffTenure::BeganBy).text().not_null())
        .col(ColumnDef::new(StaffTenure::EndedAt).timestamp_with_time_zone())
        .col(ColumnDef::new(StaffTenure::EndedBy).text())
        .primary_key(
            Index::create().name("pk_staff_tenure").col(StaffTenure::StaffId).col(StaffTenure::Place),
        );
    manager.create_table(tenure).await?;

    let mut of_id = Index::create();
    of_id
        .name("ix_staff_tenure_user")
        .table(StaffTenure::Table)
        .col(StaffTenure::CorpId)
        .col(StaffTenure::UserKey);
    manager.create_index(of_id).await?;

    let mut gone = Table::create();
    gone.table(MemberGone::Table)
        .col(ColumnDef::new(MemberGone::CorpId).uuid().not_null())
        .col(ColumnDef::new(MemberGone::UserKey).text().not_null())
        .col(ColumnDef::new(MemberGone::OccurredAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(MemberGone::ReceivedSeq).big_integer().not_null())
        .primary_key(Index::create().name("pk_member_gone").col(MemberGone::CorpId).col(MemberGone::UserKey));
    manager.create_table(gone).await
}

async fn make_departments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut department = Table::create();
    department
        .table(Department::Table)
        .col(ColumnDef::new(Department::CorpId).uuid().not_null())
        .col(ColumnDef::new(Department::Number).big_integer().not_null())
        .col(ColumnDef::new(Department::Version).big_integer().not_null())
        .col(ColumnDef::new(Department::Name).text().not_null())
        .col(ColumnDef::new(Department::ParentId).big_integer().not_null())
        .col(ColumnDef::new(Department::Rank).big_integer().not_null())
        .col(ColumnDef::new(Department::LeaderUserIds).json().not_null())
        .col(ColumnDef::new(Department::IsRemoved).boolean().not_null())
        .primary_key(Index::create().name("pk_department").col(Department::CorpId).col(Department::Number));
    manager.create_table(department).await
}
