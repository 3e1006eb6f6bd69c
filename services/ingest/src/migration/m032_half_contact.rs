//! A contact whom the member has not confirmed yet is in no listing of WeCom's.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnDef, Table};
use sea_orm::{ConnectionTrait as _, DbErr, DeriveIden, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(super) struct HalfContact;

#[derive(DeriveIden)]
enum Relation {
    Table,
    IsHalf,
}

#[async_trait]
impl MigrationTrait for HalfContact {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut half = Table::alter();
        half.table(Relation::Table)
            .add_column(ColumnDef::new(Relation::IsHalf).boolean().not_null().default(false));
        manager.alter_table(half).await?;
        let known = "UPDATE relation SET is_half = TRUE
            WHERE state = 'present' AND listed_in IS NULL
            AND received_seq IN (SELECT seq FROM callback WHERE kind = 'contact_half_added')";
        manager.get_connection().execute_unprepared(known).await?;
        Ok(())
    }
}
