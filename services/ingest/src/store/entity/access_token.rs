//! The table `access_token`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "access_token")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) app: String,
    pub(crate) corp_id: CorpId,
    /// Whose token it is: another WeCom does not know it.
    pub(crate) base_url: String,
    /// Sealed.
    pub(crate) token: Option<Vec<u8>>,
    /// SHA-256 of it.
    pub(crate) hash: Option<Vec<u8>>,
    pub(crate) expires_at: Option<DateTimeUtc>,
    /// Somebody asks WeCom for a new one until then.
    pub(crate) refreshing_until: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
