//! The table `staff_day`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "staff_day")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    /// The member, case-folded.
    pub(crate) user_key: String,
    #[sea_orm(primary_key, auto_increment = false)]
    /// Such as 2026-03-02, by the corp's calendar.
    pub(crate) day: String,
    /// Leads that the rules gave them.
    pub(crate) assigned: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
