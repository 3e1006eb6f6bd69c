//! The table `staff`.

use scrm_kernel::{CorpId, StaffId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "staff")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: StaffId,
    pub(crate) corp_id: CorpId,
    pub(crate) version: i64,
    pub(crate) user_id: Option<String>,
    pub(crate) former_user_ids: Json,
    /// All considered.
    pub(crate) state: String,
    pub(crate) same_as: Option<StaffId>,
    /// When the newest reading was; null before the first.
    pub(crate) read_at: Option<DateTimeUtc>,
    pub(crate) read_seq: Option<i64>,
    /// As the reading says.
    pub(crate) read_state: String,
    pub(crate) name: String,
    pub(crate) alias: String,
    pub(crate) position: String,
    pub(crate) avatar: String,
    pub(crate) main_department: Option<i64>,
    pub(crate) leader_user_ids: Json,
    /// Name, alias and ids in small letters, a line each.
    pub(crate) search_text: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
