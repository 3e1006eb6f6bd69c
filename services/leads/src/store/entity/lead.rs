//! The table `lead`.

use scrm_kernel::{CorpId, LeadId, SubmissionId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "lead")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: LeadId,
    pub(crate) corp_id: CorpId,
    pub(crate) external_user_id: Option<String>,
    /// In the spelling of the event; null in the pool.
    pub(crate) owner_user_id: Option<String>,
    /// The owner, case-folded.
    pub(crate) owner_key: Option<String>,
    pub(crate) reason_code: String,
    /// Null for a lead from before the words were kept.
    pub(crate) reason_text: Option<String>,
    pub(crate) claimed_at: DateTimeUtc,
    pub(crate) claimed_seq: i64,
    pub(crate) channel: Option<String>,
    pub(crate) stage: String,
    pub(crate) received_at: DateTimeUtc,
    pub(crate) assigned_at: Option<DateTimeUtc>,
    pub(crate) closed_at: Option<DateTimeUtc>,
    pub(crate) source: Option<String>,
    pub(crate) routing_group: Option<String>,
    pub(crate) submission_id: Option<SubmissionId>,
    pub(crate) name: Option<String>,
    pub(crate) unionid: Option<String>,
    /// Blind index of the phone.
    pub(crate) phone_index: Option<Vec<u8>>,
    /// Sealed.
    pub(crate) phone: Option<Vec<u8>>,
    /// Sealed.
    pub(crate) email: Option<Vec<u8>>,
    /// Counts changes of stage, owner, reason and beginning, from 1.
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
