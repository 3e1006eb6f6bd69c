//! The table `channel_staff`.

use scrm_kernel::{ChannelId, CorpId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "channel_staff")]
pub(crate) struct Model {
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) channel_id: ChannelId,
    /// The member, case-folded.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_key: String,
    /// In the administrator's spelling.
    pub(crate) user_id: String,
    pub(crate) position: i32,
    pub(crate) weight: i32,
    pub(crate) daily_cap: Option<i32>,
    /// The hours of seven days, Monday first, with `;` between them; null means always.
    pub(crate) week: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
