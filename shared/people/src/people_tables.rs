//! Who belongs where, as the directory tells it.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

/// Makes `staff_department` and `department`.
#[derive(DeriveMigrationName)]
pub struct PeopleTables;

#[derive(DeriveIden)]
enum StaffDepartment {
    Table,
    CorpId,
    StaffId,
    DepartmentId,
}

#[derive(DeriveIden)]
enum Department {
    Table,
    CorpId,
    Number,
    Version,
    ParentId,
    IsRemoved,
}

#[async_trait]
impl MigrationTrait for PeopleTables {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut place = Table::create();
        place
            .table(StaffDepartment::Table)
            .col(ColumnDef::new(StaffDepartment::CorpId).uuid().not_null())
            .col(ColumnDef::new(StaffDepartment::StaffId).uuid().not_null())
            .col(ColumnDef::new(StaffDepartment::DepartmentId).big_integer().not_null())
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
        manager.create_index(members).await?;

        let mut department = Table::create();
        department
            .table(Department::Table)
            .col(ColumnDef::new(Department::CorpId).uuid().not_null())
            .col(ColumnDef::new(Department::Number).big_integer().not_null())
            .col(ColumnDef::new(Department::Version).big_integer().not_null())
            .col(ColumnDef::new(Department::ParentId).big_integer().not_null())
            .col(ColumnDef::new(Department::IsRemoved).boolean().not_null())
            .primary_key(
                Index::create().name("pk_department").col(Department::CorpId).col(Department::Number),
            );
        manager.create_table(department).await?;

        let mut below = Index::create();
        below
            .name("ix_department_parent")
            .table(Department::Table)
            .col(Department::CorpId)
            .col(Department::ParentId);
        manager.create_index(below).await
    }
}
