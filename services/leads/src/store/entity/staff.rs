//! The table `staff`.

use scrm_kernel::{CorpId, StaffId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "staff")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) staff_id: StaffId,
    pub(crate) version: i64,
    /// The id, case-folded; null when somebody else has it now.
    pub(crate) user_key: Option<String>,
    pub(crate) user_id: Option<String>,
    /// Empty when WeCom withholds it.
    pub(crate) name: String,
    pub(crate) state: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
