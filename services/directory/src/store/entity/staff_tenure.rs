//! The table `staff_tenure`.

use scrm_kernel::{CorpId, StaffId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "staff_tenure")]
pub(crate) struct Model {
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) staff_id: StaffId,
    /// Among the tenures of the member.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) place: i32,
    /// The id, case-folded.
    pub(crate) user_key: String,
    pub(crate) user_id: String,
    pub(crate) began_at: DateTimeUtc,
    pub(crate) began_by: String,
    pub(crate) ended_at: Option<DateTimeUtc>,
    pub(crate) ended_by: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
