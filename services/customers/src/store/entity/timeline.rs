//! The table `timeline`.

use scrm_kernel::{CorpId, CustomerId, TimelineId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "timeline")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: TimelineId,
    pub(crate) corp_id: CorpId,
    pub(crate) customer_id: CustomerId,
    pub(crate) at: DateTimeUtc,
    pub(crate) kind: String,
    /// The member, case-folded.
    pub(crate) user_key: Option<String>,
    pub(crate) user_id: Option<String>,
    /// The channel or tag; empty when it is about neither.
    pub(crate) subject: String,
    pub(crate) data: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
