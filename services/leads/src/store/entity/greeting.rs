//! The table `greeting`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "greeting")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    /// The `state` of the contact way; empty for everybody who comes another way.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) channel: String,
    pub(crate) text: String,
    /// The links among the attachments, for the version before.
    pub(crate) links: Json,
    /// Null in a row of the version before, whose links are all that is attached.
    pub(crate) attachments: Option<Json>,
    pub(crate) updated_at: DateTimeUtc,
    /// Counts its changes, from 1.
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
