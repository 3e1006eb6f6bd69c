//! The table `welcome`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "welcome")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) external_user_id: String,
    /// The member, case-folded.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_key: String,
    /// Of the relation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) number: i32,
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) is_unclear: bool,
    pub(crate) lease_until: Option<DateTimeUtc>,
    /// Whose callback brought the code.
    pub(crate) app: String,
    /// Sealed.
    pub(crate) code: Vec<u8>,
    /// SHA-256 of it.
    pub(crate) code_hash: Vec<u8>,
    pub(crate) expires_at: DateTimeUtc,
    /// When its state became final.
    pub(crate) settled_at: Option<DateTimeUtc>,
    pub(crate) problem: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
