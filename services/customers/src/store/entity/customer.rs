//! The table `customer`.

use scrm_kernel::{CorpId, CustomerId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "customer")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: CustomerId,
    pub(crate) corp_id: CorpId,
    pub(crate) external_user_id: String,
    pub(crate) name: String,
    /// In small letters, for searching.
    pub(crate) name_key: String,
    pub(crate) kind: String,
    pub(crate) gender: String,
    pub(crate) avatar: String,
    pub(crate) unionid: String,
    pub(crate) corp_name: String,
    pub(crate) position: String,
    /// The newest reading with a profile.
    pub(crate) profile_at: Option<DateTimeUtc>,
    pub(crate) profile_seq: Option<i64>,
    /// The newest reading, even if it found nobody.
    pub(crate) read_at: Option<DateTimeUtc>,
    pub(crate) read_seq: Option<i64>,
    pub(crate) is_gone: bool,
    pub(crate) version: i64,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
