//! The table `suite`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "suite")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) name: String,
    /// The provider.
    pub(crate) corp_id: CorpId,
    pub(crate) wecom_id: String,
    pub(crate) kind: String,
    pub(crate) provider_corp: Option<String>,
    /// Sealed.
    pub(crate) secret: Vec<u8>,
    /// Sealed.
    pub(crate) token: Vec<u8>,
    /// Sealed.
    pub(crate) aes_key: Vec<u8>,
    pub(crate) api_url: Option<String>,
    /// Sealed.
    pub(crate) ticket: Option<Vec<u8>>,
    /// When the ticket was made.
    pub(crate) ticket_at: Option<DateTimeUtc>,
    pub(crate) updated_at: DateTimeUtc,
    /// Counts its declarations, from 1.
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
