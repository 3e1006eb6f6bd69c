//! The table `reconciliation`.

use scrm_kernel::{CorpId, ReconciliationId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "reconciliation")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: ReconciliationId,
    pub(crate) corp_id: CorpId,
    pub(crate) state: String,
    pub(crate) step: String,
    pub(crate) cursor: String,
    pub(crate) confirmed: bool,
    pub(crate) departments: i64,
    pub(crate) members: i64,
    pub(crate) tags: i64,
    pub(crate) listed: i64,
    pub(crate) relations: i64,
    pub(crate) added: i64,
    pub(crate) missing: i64,
    pub(crate) removed: i64,
    pub(crate) attempts: i32,
    pub(crate) started_at: DateTimeUtc,
    /// When the listing of relations began.
    pub(crate) listing_at: Option<DateTimeUtc>,
    /// When it may be taken: while somebody works on it, the end of the lease; none when it is finished.
    pub(crate) due_at: Option<DateTimeUtc>,
    pub(crate) finished_at: Option<DateTimeUtc>,
    pub(crate) problem: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
