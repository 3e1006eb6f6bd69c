//! The table `app`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "app")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) name: String,
    pub(crate) corp_id: CorpId,
    pub(crate) kind: String,
    pub(crate) agent_id: i64,
    /// Sealed.
    pub(crate) secret: Vec<u8>,
    /// Sealed.
    pub(crate) token: Vec<u8>,
    /// Sealed.
    pub(crate) aes_key: Vec<u8>,
    pub(crate) updated_at: DateTimeUtc,
    pub(crate) api_url: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
