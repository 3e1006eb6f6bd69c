//! The table `callback`.

use scrm_kernel::{CorpId, MessageId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "callback")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) seq: i64,
    pub(crate) corp_id: CorpId,
    pub(crate) app: String,
    /// The fingerprint: the second that the decrypted body names, then its SHA-256.
    pub(crate) hash: Vec<u8>,
    /// The decrypted body, sealed.
    pub(crate) body: Vec<u8>,
    pub(crate) state: String,
    pub(crate) signed_at: DateTimeUtc,
    pub(crate) received_at: DateTimeUtc,
    pub(crate) kind: Option<String>,
    pub(crate) leased_until: Option<DateTimeUtc>,
    pub(crate) processed_at: Option<DateTimeUtc>,
    pub(crate) problem: Option<String>,
    /// The message under which it is published once more.
    pub(crate) replay_id: Option<MessageId>,
    /// Trace context of the request that brought it.
    pub(crate) traceparent: Option<String>,
    /// One for each enterprise, address and fingerprint; in a file none until the callback is processed.
    pub(crate) door_key: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
