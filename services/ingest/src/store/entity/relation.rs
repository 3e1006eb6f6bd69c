//! The table `relation`.

use scrm_kernel::{CorpId, ReconciliationId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "relation")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    /// The member's userid as it is compared.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_key: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) external_user_id: String,
    /// The member's userid as WeCom spelled it last.
    pub(crate) user_id: String,
    pub(crate) state: String,
    pub(crate) occurred_at: DateTimeUtc,
    /// 0 when no callback told it.
    pub(crate) received_seq: i64,
    /// What the last listing said about the two; none if no listing had them.
    pub(crate) fingerprint: Option<Vec<u8>>,
    /// The last comparison that had them.
    pub(crate) listed_in: Option<ReconciliationId>,
    /// When the first complete listing since then began that did not have them.
    pub(crate) missed_at: Option<DateTimeUtc>,
    /// The member had not confirmed the customer when it was told: listings do not have them yet.
    pub(crate) is_half: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
