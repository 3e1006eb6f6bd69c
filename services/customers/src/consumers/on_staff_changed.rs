//! The directory knows somebody, by which name in WeCom.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::StaffId;
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{Envelope, directory::v1::StaffChanged};

use super::parse::member_of;
use crate::app::App;

pub(super) struct OnStaffChanged {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<StaffChanged> for OnStaffChanged {
    async fn handle(&self, txn: &Txn, event: StaffChanged, envelope: &Envelope) -> Result<(), Failure> {
        let staff: StaffId =
            event.staff_id.parse().map_err(|error| Failure::Reject(format!("staff_id is {error}")))?;
        let user = Some(&event.user_id).filter(|user| !user.is_empty());
        let user = user.map(|user| member_of(user)).transpose()?;
        self.app.hear_staff_in(txn, envelope.corp, staff, event.version, user.as_ref()).await?;
        Ok(())
    }
}
