//! The table `member`.

use scrm_kernel::{CorpId, ReconciliationId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "member")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) corp_id: CorpId,
    /// The userid as it is compared.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_key: String,
    /// The userid as WeCom spelled it last.
    pub(crate) user_id: String,
    pub(crate) state: String,
    pub(crate) read_at: DateTimeUtc,
    /// The last comparison that had them.
    pub(crate) listed_in: Option<ReconciliationId>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
