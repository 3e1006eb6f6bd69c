//! The directory tells of a member of the staff.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::WecomUserId;
use scrm_mq::{Failure, StateHandler};
use scrm_proto::Envelope;
use scrm_proto::directory::v1::{StaffChanged, StaffState};

use super::contact::bad;
use crate::app::App;
use crate::domain::staff::{State, Told};

pub(super) struct OnStaffChanged {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<StaffChanged> for OnStaffChanged {
    async fn handle(&self, txn: &Txn, event: StaffChanged, envelope: &Envelope) -> Result<(), Failure> {
        self.app.note_staff_in(txn, envelope.corp, &told_of(&event)?).await?;
        Ok(())
    }
}

fn told_of(event: &StaffChanged) -> Result<Told, Failure> {
    let id = event.staff_id.parse().map_err(|error| Failure::Reject(format!("staff_id is {error}")))?;
    let user = Some(&event.user_id).filter(|user| !user.is_empty());
    let user = user.map(|user| WecomUserId::parse(user)).transpose();
    let former = event.former_user_ids.iter().map(|user| WecomUserId::parse(user)).collect();
    Ok(Told {
        id,
        version: event.version,
        user: user.map_err(|error| bad("user_id", &error))?,
        former: Result::map_err(former, |error| bad("former_user_ids", &error))?,
        departments: event.department_ids.clone(),
        name: event.name.replace('\0', ""),
        state: match event.state() {
            StaffState::Active | StaffState::Unspecified => State::Active,
            StaffState::Invited => State::Invited,
            StaffState::Disabled => State::Disabled,
            StaffState::Left => State::Left,
        },
    })
}
