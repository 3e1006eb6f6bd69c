//! The table `media_copy`.

use scrm_kernel::{CorpId, MediaId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "media_copy")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) media_id: MediaId,
    /// The app that uploaded it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) app: String,
    /// WeCom's id; null until it was uploaded, and when WeCom does not know it any more.
    pub(crate) wecom_media_id: Option<String>,
    pub(crate) uploaded_at: Option<DateTimeUtc>,
    /// Until then somebody uploads it, or nobody tries again.
    pub(crate) claimed_until: Option<DateTimeUtc>,
    pub(crate) problem: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
