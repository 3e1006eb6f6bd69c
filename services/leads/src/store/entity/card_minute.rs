//! The table `card_minute`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "card_minute")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    /// The member, case-folded.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_key: String,
    /// When it begins.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) minute: DateTimeUtc,
    pub(crate) user_id: String,
    /// Messages that were claimed for the member in it.
    pub(crate) sent: i32,
    /// Leads of it that are told together.
    pub(crate) gathered: i32,
    /// Of the message that tells them.
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) is_unclear: bool,
    pub(crate) lease_until: Option<DateTimeUtc>,
    pub(crate) settled_at: Option<DateTimeUtc>,
    pub(crate) problem: Option<String>,
    /// What it says: sealed.
    pub(crate) words: Option<Vec<u8>>,
    pub(crate) message_id: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
