//! The table `staff_department`. The directory has more columns.

use scrm_kernel::{CorpId, StaffId};
use sea_orm::entity::prelude::*;

#[expect(clippy::struct_field_names, reason = "the names are those of the columns")]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "staff_department")]
pub(crate) struct Model {
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) staff_id: StaffId,
    /// WeCom's number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) department_id: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
