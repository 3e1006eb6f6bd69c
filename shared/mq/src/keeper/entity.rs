//! The table `dead_letter`.

use scrm_kernel::{CorpId, DeadLetterId, MessageId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dead_letter")]
pub(super) struct Model {
    #[sea_orm(primary_key)]
    pub(super) seq: i64,
    pub(super) id: DeadLetterId,
    /// That of the envelope; all zeros for a message that has none.
    pub(super) corp_id: CorpId,
    pub(super) queue: String,
    pub(super) message_id: MessageId,
    pub(super) head: String,
    /// Sealed.
    pub(super) body: Vec<u8>,
    pub(super) is_readable: bool,
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) occurred_at: Option<DateTimeUtc>,
    pub(super) received_at: Option<DateTimeUtc>,
    pub(super) received_seq: Option<i64>,
    pub(super) attempts: i32,
    pub(super) deaths: i32,
    pub(super) reason: String,
    pub(super) died_at: DateTimeUtc,
    pub(super) state: String,
    pub(super) version: i64,
    pub(super) resolved_at: Option<DateTimeUtc>,
    pub(super) resolved_by: Option<String>,
    pub(super) resolved_reason: Option<String>,
    pub(super) leased_until: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(super) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
