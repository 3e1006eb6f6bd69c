//! The table `outbox`.

use scrm_kernel::{CorpId, MessageId};
use scrm_proto::Envelope;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) seq: i64,
    pub(crate) message_id: MessageId,
    pub(crate) corp_id: CorpId,
    pub(crate) kind: String,
    pub(crate) key: String,
    pub(crate) body: Vec<u8>,
    pub(crate) occurred_at: DateTimeUtc,
    pub(crate) received_at: Option<DateTimeUtc>,
    pub(crate) received_seq: Option<i64>,
    pub(crate) traceparent: Option<String>,
    pub(crate) replay_of: Option<MessageId>,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) leased_until: Option<DateTimeUtc>,
    pub(crate) published_at: Option<DateTimeUtc>,
    /// Why this row can never be published; a person must look.
    pub(crate) problem: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Envelope {
    fn from(row: Model) -> Self {
        Self {
            message_id: row.message_id,
            kind: row.kind,
            corp: row.corp_id,
            key: row.key,
            occurred_at: row.occurred_at,
            received_at: row.received_at,
            received_seq: row.received_seq,
            traceparent: row.traceparent,
            replay_of: row.replay_of,
            attempt: 0,
            body: row.body.into(),
        }
    }
}
