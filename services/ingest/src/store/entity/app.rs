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
    /// Sealed, or empty.
    pub(crate) secret: Vec<u8>,
    /// Sealed, or empty.
    pub(crate) token: Vec<u8>,
    /// Sealed, or empty.
    pub(crate) aes_key: Vec<u8>,
    pub(crate) updated_at: DateTimeUtc,
    pub(crate) api_url: Option<String>,
    /// Through which it was authorised; then the three secrets are empty, and its right is in `suite_authorization`.
    pub(crate) suite: Option<String>,
    /// Counts its declarations, from 1.
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
