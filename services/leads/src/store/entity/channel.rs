//! The table `channel`.

use scrm_kernel::{ChannelId, CorpId};
use sea_orm::entity::prelude::*;

#[expect(clippy::struct_excessive_bools, reason = "a row of columns that are set one by one")]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "channel")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: ChannelId,
    pub(crate) corp_id: CorpId,
    pub(crate) name: String,
    /// What WeCom sends along with every customer.
    pub(crate) state: String,
    pub(crate) remark: String,
    pub(crate) skip_verify: bool,
    pub(crate) is_on: bool,
    /// WeCom's ids of the tags that its customers are to have.
    pub(crate) tags: Json,
    pub(crate) backup_user_id: Option<String>,
    pub(crate) version: i64,
    pub(crate) shortfall: Option<String>,
    pub(crate) config_id: Option<String>,
    pub(crate) qr_code: Option<String>,
    pub(crate) sync_state: String,
    pub(crate) attempt: i32,
    pub(crate) lease_until: Option<DateTimeUtc>,
    pub(crate) called_at: DateTimeUtc,
    /// Since when a way may have been made that we do not know of.
    pub(crate) unclear_since: Option<DateTimeUtc>,
    pub(crate) wanted: Json,
    /// What WeCom took last.
    pub(crate) applied: Option<Json>,
    pub(crate) is_sure: bool,
    pub(crate) is_ended: bool,
    /// What WeCom said against it.
    pub(crate) problem: Option<String>,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) updated_at: DateTimeUtc,
    /// When its way was deleted; nobody sees the row from then on.
    pub(crate) gone_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
