//! A member was read from WeCom.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Cause, Txn};
use scrm_mq::{Failure, StateHandler};
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::{MemberRead, MemberStatus};

use super::{fact_of, text_of, user_of};
use crate::app::App;
use crate::domain::staff::{Place, Profile, Reading, State};

pub(super) struct OnMemberRead {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<MemberRead> for OnMemberRead {
    async fn handle(&self, txn: &Txn, event: MemberRead, envelope: &Envelope) -> Result<(), Failure> {
        let user = user_of("user_id", &event.user_id)?;
        let reading = Reading { fact: fact_of(envelope), profile: profile_of(&event) };
        self.app.note_member_in(txn, envelope.corp, &user, reading, &Cause::from(envelope)).await?;
        Ok(())
    }
}

fn profile_of(event: &MemberRead) -> Profile {
    let mut places: BTreeMap<i64, bool> = BTreeMap::new();
    for place in &event.departments {
        *places.entry(place.department_id).or_default() |= place.leads;
    }
    Profile {
        name: text_of(&event.name),
        alias: text_of(&event.alias),
        position: text_of(&event.position),
        avatar: text_of(&event.avatar),
        main_department: Some(event.main_department).filter(|number| *number != 0),
        places: places.into_iter().map(|(department, leads)| Place { department, leads }).collect(),
        leaders: event.leader_user_ids.iter().map(|leader| text_of(leader)).collect(),
        state: match event.status() {
            MemberStatus::Active | MemberStatus::Unspecified => State::Active,
            MemberStatus::NotActivated => State::Invited,
            MemberStatus::Disabled => State::Disabled,
            MemberStatus::Left => State::Left,
        },
    }
}
