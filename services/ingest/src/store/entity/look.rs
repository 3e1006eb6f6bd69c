//! The table `look`.

use scrm_kernel::CorpId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "look")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) seq: i64,
    pub(crate) corp_id: CorpId,
    pub(crate) kind: String,
    /// As it is compared.
    pub(crate) subject: String,
    /// As WeCom spelled it last.
    pub(crate) spelled: String,
    /// As whom to read; none for the first app.
    pub(crate) app: Option<String>,
    /// 0 is read before 1.
    pub(crate) urgency: i32,
    pub(crate) state: String,
    /// When it may be taken: while it is being read, the end of the lease; none when nothing waits.
    pub(crate) due_at: Option<DateTimeUtc>,
    pub(crate) attempts: i32,
    /// When the last reading began that was told.
    pub(crate) read_at: Option<DateTimeUtc>,
    pub(crate) problem: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
