//! The table `touch`.

use scrm_kernel::{CorpId, TouchId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "touch")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: TouchId,
    pub(crate) corp_id: CorpId,
    pub(crate) external_user_id: String,
    /// The member, case-folded.
    pub(crate) user_key: String,
    /// Empty when the contact came through none: a unique index does not see nulls.
    pub(crate) channel: String,
    /// When it began, by WeCom's time, in whole seconds.
    pub(crate) occurred_at: DateTimeUtc,
    /// When the member confirmed it; the same moment when there was nothing to confirm.
    pub(crate) confirmed_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
