//! The table `staff`.

use scrm_kernel::{CorpId, StaffId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "staff")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: StaffId,
    pub(crate) corp_id: CorpId,
    /// The member in WeCom, case-folded; empty when somebody else has the id now.
    pub(crate) user_key: String,
    /// In WeCom's spelling; also empty until the directory told of them since this is kept.
    pub(crate) user_id: String,
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
