//! The table `acknowledgement`.

use scrm_kernel::{CorpId, LeadId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "acknowledgement")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) lead_id: LeadId,
    /// The member, case-folded.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_key: String,
    pub(crate) acknowledged_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
