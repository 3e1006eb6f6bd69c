//! The table `relation_tag`.

use scrm_kernel::{CorpId, RelationId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "relation_tag")]
pub(crate) struct Model {
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) relation_id: RelationId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tag_id: String,
    /// As WeCom has it, as far as anybody knows.
    pub(crate) in_wecom: bool,
    /// What was wanted here, until WeCom has it.
    pub(crate) wish_on: Option<bool>,
    pub(crate) wish_at: Option<DateTimeUtc>,
    /// Why WeCom did not take the wish.
    pub(crate) refusal: Option<String>,
    /// When WeCom took the last wish.
    pub(crate) settled_at: Option<DateTimeUtc>,
    /// The wish, or else what WeCom has.
    pub(crate) is_on: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
