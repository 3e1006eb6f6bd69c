//! The table `sign_in_failure`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_failure")]
pub(crate) struct Model {
    /// `login:` and a folded login, or `address:` and an address.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) side: String,
    pub(crate) count: i64,
    pub(crate) since: DateTimeUtc,
    pub(crate) blocked_until: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
