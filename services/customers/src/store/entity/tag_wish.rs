//! The table `tag_wish`.

use scrm_kernel::{CorpId, TagWishId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tag_wish")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: TagWishId,
    pub(crate) corp_id: CorpId,
    pub(crate) group_name: String,
    pub(crate) name: String,
    pub(crate) sort_order: Option<i64>,
    /// `waiting`, `calling`, `made` or `refused`.
    pub(crate) state: String,
    pub(crate) attempt: i32,
    pub(crate) lease_until: Option<DateTimeUtc>,
    /// WeCom's id, once it is made.
    pub(crate) tag_id: Option<String>,
    pub(crate) problem: Option<String>,
    pub(crate) created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
