//! The table `greeting_media`.

use scrm_kernel::{CorpId, MediaId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "greeting_media")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) media_id: MediaId,
    /// As in `greeting`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) channel: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
