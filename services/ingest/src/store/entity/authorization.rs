//! The table `suite_authorization`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "suite_authorization")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) suite: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wecom_corp: String,
    /// The enterprise whose suite it is; it seals the code.
    pub(crate) provider_id: CorpId,
    /// The enterprise that authorised it; none until a code was exchanged.
    pub(crate) corp_id: Option<CorpId>,
    pub(crate) corp_name: String,
    /// Its app; none until a code was exchanged.
    pub(crate) app: Option<String>,
    /// Sealed; none when the authorisation was cancelled.
    pub(crate) permanent_code: Option<Vec<u8>>,
    /// When the enterprise did what the row says.
    pub(crate) decided_at: DateTimeUtc,
    /// The callback that told of it.
    pub(crate) decided_seq: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
