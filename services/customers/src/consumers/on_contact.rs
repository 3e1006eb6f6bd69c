//! A member and a customer became contacts, or parted.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Failure, StateHandler};
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::{self, ContactAdded, ContactRemoved};

use super::parse::{fact_of, member_of, person_of};
use crate::app::App;
use crate::domain::standing::RemovedBy;

pub(super) struct OnContactAdded {
    pub(super) app: Arc<App>,
}

pub(super) struct OnContactRemoved {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<ContactAdded> for OnContactAdded {
    async fn handle(&self, txn: &Txn, event: ContactAdded, envelope: &Envelope) -> Result<(), Failure> {
        let (person, member) = (person_of(&event.external_user_id)?, member_of(&event.user_id)?);
        self.app.hear_added_in(txn, envelope.corp, &person, &member, fact_of(envelope)).await?;
        Ok(())
    }
}

#[async_trait]
impl StateHandler<ContactRemoved> for OnContactRemoved {
    async fn handle(&self, txn: &Txn, event: ContactRemoved, envelope: &Envelope) -> Result<(), Failure> {
        let (person, member) = (person_of(&event.external_user_id)?, member_of(&event.user_id)?);
        let by = match event.by() {
            v1::RemovedBy::Member => RemovedBy::Member,
            v1::RemovedBy::Customer => RemovedBy::Customer,
            v1::RemovedBy::Transfer => RemovedBy::Transfer,
            v1::RemovedBy::Unspecified => RemovedBy::Unknown,
        };
        let removal = (fact_of(envelope), by);
        self.app.hear_removed_in(txn, envelope.corp, &person, &member, removal).await?;
        Ok(())
    }
}
