//! The table `lead_source`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "lead_source")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) name: String,
    pub(crate) corp_id: CorpId,
    /// What people call it.
    pub(crate) title: String,
    pub(crate) routing_group: String,
    /// JSON: our field, and where it stands in a body.
    pub(crate) mapping: String,
    /// Sealed.
    pub(crate) secret: Vec<u8>,
    pub(crate) updated_at: DateTimeUtc,
    /// Counts its declarations, from 1.
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
