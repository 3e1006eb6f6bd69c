//! Leads of people who are nobody's contact yet: found by other marks, owned by a rule, or by nobody.
//!
//! SQLite cannot let a column be null that must not, so there the table is made anew and filled from the old one.

use async_trait::async_trait;
use sea_orm::sea_query::{
    ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, IndexCreateStatement, Table,
};
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct LeadWithoutContact;

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
    OwnerKey,
    ReasonText,
    Source,
    RoutingGroup,
    SubmissionId,
    Name,
    Unionid,
    PhoneIndex,
    Phone,
    Email,
}

#[derive(DeriveIden)]
enum LeadMark {
    Table,
    CorpId,
    Kind,
    Value,
    LeadId,
}

#[derive(DeriveIden)]
enum Submission {
    Table,
    CorpId,
    Id,
    LeadId,
    Source,
    Channel,
    Region,
    Product,
    Remark,
    Answers,
    ReasonCode,
    ReasonText,
    ReceivedAt,
    HandledAt,
}

/// What the lead had before, in the order in which it is copied.
const KEPT: &str = "id, corp_id, external_user_id, owner_staff_id, owner_user_id, reason_code, claimed_at, \
    claimed_seq, channel, stage, received_at, assigned_at, closed_at";

#[async_trait]
impl MigrationTrait for LeadWithoutContact {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            make_lead_anew(manager).await?;
        } else {
            widen_lead(manager).await?;
        }
        let rows = manager.get_connection();
        rows.execute_unprepared("UPDATE lead SET owner_key = lower(owner_user_id)").await?;
        for index in lead_indices() {
            manager.create_index(index).await?;
        }
        make_marks(manager).await?;
        rows.execute_unprepared(
            "INSERT INTO lead_mark (corp_id, kind, value, lead_id)
             SELECT corp_id, 'external_user_id', external_user_id, id FROM lead WHERE closed_at IS NULL",
        )
        .await?;
        make_submissions(manager).await
    }
}

fn new_columns() -> [ColumnDef; 10] {
    [
        ColumnDef::new(Lead::OwnerKey).text().take(),
        ColumnDef::new(Lead::ReasonText).text().take(),
        ColumnDef::new(Lead::Source).text().take(),
        ColumnDef::new(Lead::RoutingGroup).text().take(),
        ColumnDef::new(Lead::SubmissionId).uuid().take(),
        ColumnDef::new(Lead::Name).text().take(),
        ColumnDef::new(Lead::Unionid).text().take(),
        ColumnDef::new(Lead::PhoneIndex).binary().take(),
        ColumnDef::new(Lead::Phone).binary().take(),
        ColumnDef::new(Lead::Email).binary().take(),
    ]
}

async fn make_lead_anew(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let rows = manager.get_connection();
    rows.execute_unprepared("DROP INDEX uq_lead_open").await?;
    rows.execute_unprepared("DROP INDEX ix_lead_newest").await?;
    rows.execute_unprepared("ALTER TABLE lead RENAME TO lead_before").await?;
    let mut lead = Table::create();
    lead.table(Lead::Table)
        .col(ColumnDef::new(Lead::Id).uuid().not_null())
        .col(ColumnDef::new(Lead::CorpId).uuid().not_null())
        .col(ColumnDef::new(Lead::ExternalUserId).text())
        .col(ColumnDef::new(Lead::OwnerStaffId).uuid())
        .col(ColumnDef::new(Lead::OwnerUserId).text())
        .col(ColumnDef::new(Lead::ReasonCode).text().not_null())
        .col(ColumnDef::new(Lead::ClaimedAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(Lead::ClaimedSeq).big_integer().not_null())
        .col(ColumnDef::new(Lead::Channel).text())
        .col(ColumnDef::new(Lead::Stage).text().not_null())
        .col(ColumnDef::new(Lead::ReceivedAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(Lead::AssignedAt).timestamp_with_time_zone())
        .col(ColumnDef::new(Lead::ClosedAt).timestamp_with_time_zone());
    for column in new_columns() {
        lead.col(column);
    }
    lead.primary_key(Index::create().name("pk_lead").col(Lead::Id));
    manager.create_table(lead).await?;
    rows.execute_unprepared(&format!("INSERT INTO lead ({KEPT}) SELECT {KEPT} FROM lead_before")).await?;
    rows.execute_unprepared("DROP TABLE lead_before").await?;
    for index in indices_before() {
        manager.create_index(index).await?;
    }
    Ok(())
}

async fn widen_lead(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut lead = Table::alter();
    lead.table(Lead::Table);
    for column in new_columns() {
        lead.add_column_if_not_exists(column);
    }
    manager.alter_table(lead).await?;
    for column in ["external_user_id", "owner_user_id", "assigned_at"] {
        let statement = format!("ALTER TABLE lead ALTER COLUMN {column} DROP NOT NULL");
        manager.get_connection().execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// The indices that a table made anew lacks.
fn indices_before() -> [IndexCreateStatement; 2] {
    let mut open = Index::create();
    open.name("uq_lead_open")
        .table(Lead::Table)
        .col(Lead::CorpId)
        .col(Lead::ExternalUserId)
        .and_where(Expr::col(Lead::ClosedAt).is_null())
        .unique();
    let mut newest = Index::create();
    newest.name("ix_lead_newest").table(Lead::Table).col(Lead::CorpId).col(Lead::Id);
    [open, newest]
}

fn lead_indices() -> [IndexCreateStatement; 4] {
    let mut submission = Index::create();
    submission
        .name("uq_lead_submission")
        .table(Lead::Table)
        .col(Lead::CorpId)
        .col(Lead::SubmissionId)
        .unique();
    let mut load = Index::create();
    load.name("ix_lead_open_owner")
        .table(Lead::Table)
        .col(Lead::CorpId)
        .col(Lead::OwnerKey)
        .and_where(Expr::col(Lead::ClosedAt).is_null());
    let mut pool = Index::create();
    pool.name("ix_lead_pool")
        .table(Lead::Table)
        .col(Lead::CorpId)
        .col(Lead::RoutingGroup)
        .col(Lead::Id)
        .and_where(Expr::col(Lead::Stage).eq("pool"));
    let mut phone = Index::create();
    phone.name("ix_lead_phone").table(Lead::Table).col(Lead::CorpId).col(Lead::PhoneIndex);
    [submission, load, pool, phone]
}

async fn make_marks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut mark = Table::create();
    mark.table(LeadMark::Table)
        .col(ColumnDef::new(LeadMark::CorpId).uuid().not_null())
        .col(ColumnDef::new(LeadMark::Kind).text().not_null())
        .col(ColumnDef::new(LeadMark::Value).text().not_null())
        .col(ColumnDef::new(LeadMark::LeadId).uuid().not_null())
        .primary_key(
            Index::create()
                .name("pk_lead_mark")
                .col(LeadMark::CorpId)
                .col(LeadMark::Kind)
                .col(LeadMark::Value),
        );
    manager.create_table(mark).await
}

async fn make_submissions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut submission = Table::create();
    submission
        .table(Submission::Table)
        .col(ColumnDef::new(Submission::CorpId).uuid().not_null())
        .col(ColumnDef::new(Submission::Id).uuid().not_null())
        .col(ColumnDef::new(Submission::LeadId).uuid().not_null())
        .col(ColumnDef::new(Submission::Source).text().not_null())
        .col(ColumnDef::new(Submission::Channel).text())
        .col(ColumnDef::new(Submission::Region).text())
        .col(ColumnDef::new(Submission::Product).text())
        .col(ColumnDef::new(Submission::Remark).text())
        .col(ColumnDef::new(Submission::Answers).binary().not_null())
        .col(ColumnDef::new(Submission::ReasonCode).text().not_null())
        .col(ColumnDef::new(Submission::ReasonText).text().not_null())
        .col(ColumnDef::new(Submission::ReceivedAt).timestamp_with_time_zone().not_null())
        .col(ColumnDef::new(Submission::HandledAt).timestamp_with_time_zone().not_null())
        .primary_key(Index::create().name("pk_submission").col(Submission::CorpId).col(Submission::Id));
    manager.create_table(submission).await?;

    let mut lead = Index::create();
    lead.name("ix_submission_lead").table(Submission::Table).col(Submission::CorpId).col(Submission::LeadId);
    manager.create_index(lead).await
}
