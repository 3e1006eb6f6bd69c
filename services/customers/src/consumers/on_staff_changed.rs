//! The directory knows somebody, by which id in WeCom, and which ids they had before.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{Envelope, directory::v1::StaffChanged};

use super::parse::member_of;
use crate::app::App;
use crate::domain::staff::Told;

pub(super) struct OnStaffChanged {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<StaffChanged> for OnStaffChanged {
    async fn handle(&self, txn: &Txn, event: StaffChanged, envelope: &Envelope) -> Result<(), Failure> {
        self.app.hear_staff_in(txn, envelope.corp, &told_of(&event)?).await?;
        Ok(())
    }
}

fn told_of(event: &StaffChanged) -> Result<Told, Failure> {
    let id = event.staff_id.parse().map_err(|error| Failure::Reject(format!("staff_id is {error}")))?;
    let user = Some(&event.user_id).filter(|user| !user.is_empty());
    Ok(Told {
        id,
        version: event.version,
        user: user.map(|user| member_of(user)).transpose()?,
        former: event.former_user_ids.iter().map(|user| member_of(user)).collect::<Result<_, _>>()?,
        departments: event.department_ids.clone(),
    })
}
