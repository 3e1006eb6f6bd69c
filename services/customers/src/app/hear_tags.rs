//! The enterprise's tags were read from WeCom.

use scrm_db::Txn;
use scrm_kernel::{CorpId, Timestamp};
use sea_orm::DbErr;

use super::{App, Group};
use crate::store;

impl App {
    /// Takes in all tags there are.
    pub(crate) async fn hear_tags_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        groups: &[Group],
        at: Timestamp,
    ) -> Result<(), DbErr> {
        store::tag::read(txn, corp, groups, at).await
    }
}
