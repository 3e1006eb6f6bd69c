//! The table `routing_member`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_member")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) group_name: String,
    #[sea_orm(primary_key, auto_increment = false)]
    /// The member, case-folded.
    pub(crate) user_key: String,
    /// In the spelling of who set it up.
    pub(crate) user_id: String,
    /// The order that settles ties.
    pub(crate) place: i64,
    pub(crate) weight: i64,
    pub(crate) daily_cap: Option<i64>,
    pub(crate) open_cap: Option<i64>,
    pub(crate) is_active: bool,
    pub(crate) assigned: i64,
    /// What fairness is counted in.
    pub(crate) turns: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
