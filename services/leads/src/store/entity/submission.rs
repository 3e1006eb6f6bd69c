//! The table `submission`.

use scrm_kernel::{CorpId, LeadId, SubmissionId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "submission")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: SubmissionId,
    pub(crate) lead_id: LeadId,
    pub(crate) source: String,
    pub(crate) channel: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) remark: Option<String>,
    /// Sealed.
    pub(crate) answers: Vec<u8>,
    /// Why it went where it went.
    pub(crate) reason_code: String,
    pub(crate) reason_text: String,
    pub(crate) received_at: DateTimeUtc,
    pub(crate) handled_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
