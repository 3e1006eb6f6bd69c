//! The table `transfer`.

use scrm_kernel::{CorpId, LeadId, TransferId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "transfer")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: TransferId,
    pub(crate) corp_id: CorpId,
    pub(crate) lead_id: LeadId,
    pub(crate) external_user_id: String,
    pub(crate) from_user_id: String,
    /// Case-folded.
    pub(crate) from_user_key: String,
    pub(crate) to_user_id: String,
    /// Case-folded.
    pub(crate) to_user_key: String,
    pub(crate) requested_by: String,
    /// Sealed.
    pub(crate) success_msg: Option<Vec<u8>>,
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) is_unclear: bool,
    pub(crate) lease_until: Option<DateTimeUtc>,
    pub(crate) requested_at: DateTimeUtc,
    pub(crate) accepted_at: Option<DateTimeUtc>,
    /// When WeCom's list is to be looked at; moved on by whoever does, so that nobody else does too.
    pub(crate) look_at: Option<DateTimeUtc>,
    /// When its state became final; at most one of a lead has none.
    pub(crate) settled_at: Option<DateTimeUtc>,
    pub(crate) errcode: Option<i64>,
    pub(crate) problem: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
