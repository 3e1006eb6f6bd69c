//! The table `relation`.

use scrm_kernel::{CorpId, CustomerId, RelationId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "relation")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: RelationId,
    pub(crate) corp_id: CorpId,
    pub(crate) customer_id: CustomerId,
    /// The member, case-folded.
    pub(crate) user_key: String,
    /// In the spelling first told.
    pub(crate) user_id: String,
    pub(crate) added_at: Option<DateTimeUtc>,
    pub(crate) added_seq: Option<i64>,
    pub(crate) removed_at: Option<DateTimeUtc>,
    pub(crate) removed_seq: Option<i64>,
    pub(crate) removed_by: Option<String>,
    /// The newest reading that names the member.
    pub(crate) listed_at: Option<DateTimeUtc>,
    pub(crate) listed_seq: Option<i64>,
    /// When they became contacts, as that reading says.
    pub(crate) met_at: Option<DateTimeUtc>,
    pub(crate) remark: String,
    /// In small letters, for searching.
    pub(crate) remark_key: String,
    pub(crate) add_way: i64,
    /// The `state` of the contact way.
    pub(crate) channel: String,
    pub(crate) is_present: bool,
    pub(crate) version: i64,
    pub(crate) sync_state: String,
    pub(crate) attempt: i32,
    pub(crate) lease_until: Option<DateTimeUtc>,
    pub(crate) problem: Option<String>,
    pub(crate) created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
