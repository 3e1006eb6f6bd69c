//! The table `submission`.

use scrm_kernel::{CorpId, SubmissionId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "submission")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) seq: i64,
    pub(crate) id: SubmissionId,
    pub(crate) corp_id: CorpId,
    pub(crate) source: String,
    /// The sender's own id of it.
    pub(crate) sender_id: String,
    /// SHA-256 of the body.
    pub(crate) hash: Vec<u8>,
    /// The body as it came, sealed.
    pub(crate) body: Vec<u8>,
    /// The event that tells of it; what is personal in it is sealed.
    pub(crate) event: Vec<u8>,
    pub(crate) received_at: DateTimeUtc,
    pub(crate) leased_until: Option<DateTimeUtc>,
    pub(crate) published_at: Option<DateTimeUtc>,
    pub(crate) problem: Option<String>,
    /// Trace context of the request that brought it.
    pub(crate) traceparent: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
