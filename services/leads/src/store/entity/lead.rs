//! The table `lead`.

use scrm_kernel::{CorpId, LeadId, StaffId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "lead")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: LeadId,
    pub(crate) corp_id: CorpId,
    pub(crate) external_user_id: String,
    pub(crate) owner_staff_id: Option<StaffId>,
    /// In the spelling of the event.
    pub(crate) owner_user_id: String,
    pub(crate) reason_code: String,
    pub(crate) claimed_at: DateTimeUtc,
    pub(crate) claimed_seq: i64,
    pub(crate) channel: Option<String>,
    pub(crate) stage: String,
    pub(crate) received_at: DateTimeUtc,
    pub(crate) assigned_at: DateTimeUtc,
    pub(crate) closed_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
