//! The table `outbox`.

use scrm_kernel::{CorpId, MessageId};
use scrm_proto::Envelope;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub(super) struct Model {
    #[sea_orm(primary_key)]
    pub(super) seq: i64,
    pub(super) message_id: MessageId,
    pub(super) corp_id: CorpId,
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) body: Vec<u8>,
    pub(super) occurred_at: DateTimeUtc,
    pub(super) received_at: Option<DateTimeUtc>,
    pub(super) received_seq: Option<i64>,
    pub(super) traceparent: Option<String>,
    pub(super) replay_of: Option<MessageId>,
    pub(super) created_at: DateTimeUtc,
    pub(super) leased_until: Option<DateTimeUtc>,
    pub(super) published_at: Option<DateTimeUtc>,
    /// Why this row can never be published; a person must look.
    pub(super) problem: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(super) enum Relation {}

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
