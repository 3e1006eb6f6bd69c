//! Whom ingest has told of: members, and relations of members and customers.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Index, Table};
use sea_orm::{ConnectionTrait as _, DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct Known;

#[derive(DeriveIden)]
enum Relation {
    Table,
    CorpId,
    UserKey,
    ExternalUserId,
    UserId,
    State,
    OccurredAt,
    ReceivedSeq,
    Fingerprint,
    ListedIn,
    MissedAt,
}

#[derive(DeriveIden)]
enum Member {
    Table,
    CorpId,
    UserKey,
    UserId,
    State,
    ReadAt,
    ListedIn,
}

#[derive(DeriveIden)]
enum Corp {
    Table,
    ConnectedAt,
}

#[async_trait]
impl MigrationTrait for Known {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut key = Index::create();
        key.name("pk_relation").col(Relation::CorpId).col(Relation::UserKey).col(Relation::ExternalUserId);
        let mut relation = Table::create();
        relation
            .table(Relation::Table)
            .col(ColumnDef::new(Relation::CorpId).uuid().not_null())
            .col(ColumnDef::new(Relation::UserKey).text().not_null())
            .col(ColumnDef::new(Relation::ExternalUserId).text().not_null())
            .col(ColumnDef::new(Relation::UserId).text().not_null())
            .col(ColumnDef::new(Relation::State).text().not_null())
            .col(ColumnDef::new(Relation::OccurredAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Relation::ReceivedSeq).big_integer().not_null())
            .col(ColumnDef::new(Relation::Fingerprint).binary())
            .col(ColumnDef::new(Relation::ListedIn).uuid())
            .col(ColumnDef::new(Relation::MissedAt).timestamp_with_time_zone())
            .primary_key(&mut key);
        manager.create_table(relation).await?;

        let mut key = Index::create();
        key.name("pk_member").col(Member::CorpId).col(Member::UserKey);
        let mut member = Table::create();
        member
            .table(Member::Table)
            .col(ColumnDef::new(Member::CorpId).uuid().not_null())
            .col(ColumnDef::new(Member::UserKey).text().not_null())
            .col(ColumnDef::new(Member::UserId).text().not_null())
            .col(ColumnDef::new(Member::State).text().not_null())
            .col(ColumnDef::new(Member::ReadAt).timestamp_with_time_zone().not_null())
            .col(ColumnDef::new(Member::ListedIn).uuid())
            .primary_key(&mut key);
        manager.create_table(member).await?;

        let mut corp = Table::alter();
        corp.table(Corp::Table).add_column(ColumnDef::new(Corp::ConnectedAt).timestamp_with_time_zone());
        manager.alter_table(corp).await?;
        let known =
            "UPDATE corp SET connected_at = (SELECT MIN(updated_at) FROM app WHERE app.corp_id = corp.id)";
        manager.get_connection().execute_unprepared(known).await?;
        Ok(())
    }
}
