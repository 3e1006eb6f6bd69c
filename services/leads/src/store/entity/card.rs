//! The table `card`.

use scrm_kernel::{CorpId, LeadId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "card")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    /// Follows from lead, owner and time of the assignment: the natural key of the effect.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) task_id: String,
    pub(crate) kind: String,
    pub(crate) lead_id: LeadId,
    pub(crate) external_user_id: Option<String>,
    pub(crate) user_id: String,
    /// The member, case-folded.
    pub(crate) user_key: String,
    pub(crate) assigned_at: DateTimeUtc,
    pub(crate) made_at: DateTimeUtc,
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) is_unclear: bool,
    pub(crate) lease_until: Option<DateTimeUtc>,
    /// When its state became final.
    pub(crate) settled_at: Option<DateTimeUtc>,
    pub(crate) problem: Option<String>,
    /// What it says: sealed JSON.
    pub(crate) words: Option<Vec<u8>>,
    /// Of `card_minute`.
    pub(crate) gathered_in: Option<DateTimeUtc>,
    pub(crate) message_id: Option<String>,
    /// Sealed.
    pub(crate) response_code: Option<Vec<u8>>,
    pub(crate) response_until: Option<DateTimeUtc>,
    pub(crate) app: Option<String>,
    pub(crate) answer: Option<String>,
    pub(crate) answered_by: Option<String>,
    pub(crate) answered_at: Option<DateTimeUtc>,
    pub(crate) superseded_at: Option<DateTimeUtc>,
    /// None when nothing is to change.
    pub(crate) change_state: Option<String>,
    pub(crate) change_attempts: i32,
    pub(crate) change_is_unclear: bool,
    pub(crate) change_lease_until: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
