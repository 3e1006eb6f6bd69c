//! The directory knows somebody, by which name in WeCom.

use scrm_db::Txn;
use scrm_kernel::{CorpId, StaffId, WecomUserId};
use sea_orm::DbErr;

use super::App;
use crate::store;

impl App {
    /// Takes in who somebody is in WeCom.
    pub(crate) async fn hear_staff_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        staff: StaffId,
        version: i64,
        user: Option<&WecomUserId>,
    ) -> Result<(), DbErr> {
        store::staff::note(txn, corp, staff, version, user).await
    }
}
