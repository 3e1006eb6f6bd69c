//! The table `suite_errand`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "suite_errand")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    /// The provider.
    pub(crate) corp_id: CorpId,
    pub(crate) suite: String,
    pub(crate) kind: String,
    /// SHA-256 of the code, or the id of the enterprise that is to be read.
    pub(crate) subject: String,
    /// The code, sealed, while it is to be exchanged.
    pub(crate) code: Option<Vec<u8>>,
    /// When the enterprise acted.
    pub(crate) told_at: DateTimeUtc,
    /// The callback that told of it.
    pub(crate) told_seq: i64,
    pub(crate) state: String,
    /// When it may be taken: while it is tried, the end of the lease; none when it is settled.
    pub(crate) due_at: Option<DateTimeUtc>,
    pub(crate) attempts: i32,
    pub(crate) problem: Option<String>,
    pub(crate) settled_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
