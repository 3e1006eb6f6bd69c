//! The table `calendar`.

use scrm_kernel::{CalendarId, CorpId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: CalendarId,
    pub(crate) corp_id: CorpId,
    pub(crate) version: i64,
    pub(crate) name: String,
    /// As IANA names it.
    pub(crate) zone: String,
    /// Seven texts of hours, Monday first.
    pub(crate) week: Json,
    pub(crate) follows_holidays: bool,
    /// Days of its own, by date.
    pub(crate) days: Json,
    pub(crate) is_default: bool,
    /// From which table of holidays its days were told last.
    pub(crate) holidays: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
