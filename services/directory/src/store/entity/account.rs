//! The table `account`.

use scrm_kernel::{AccountId, CorpId, StaffId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: AccountId,
    pub(crate) corp_id: CorpId,
    pub(crate) version: i64,
    /// The login, case-folded; null for who signs in by WeCom alone.
    pub(crate) login_key: Option<String>,
    pub(crate) login: Option<String>,
    pub(crate) display_name: String,
    pub(crate) staff_id: Option<StaffId>,
    pub(crate) state: String,
    /// In the form of PHC; null while there is none.
    pub(crate) password_hash: Option<String>,
    pub(crate) password_at: Option<DateTimeUtc>,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) signed_in_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
