//! The table `channel_day`.

use scrm_kernel::{ChannelId, CorpId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "channel_day")]
pub(crate) struct Model {
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) channel_id: ChannelId,
    /// The corp's calendar day, as `2026-03-02`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) day: String,
    /// The member, case-folded.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_key: String,
    /// In the spelling of the first event.
    pub(crate) user_id: String,
    pub(crate) adds: i32,
    /// Those of the adds that should not have come to this member.
    pub(crate) overshoot: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
