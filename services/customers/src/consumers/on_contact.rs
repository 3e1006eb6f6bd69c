//! A member and a customer became contacts, or parted.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Failure, Readable, StateHandler};
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::{self, ContactAdded, ContactRemoved};

use super::parse::{fact_of, member_of, person_of};
use crate::app::{Added, App};
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
        self.app.hear_added_in(txn, envelope.corp, &added_of(&event, envelope)?).await?;
        Ok(())
    }

    const HANDLES_AT_ONCE: bool = true;

    async fn handle_at_once(
        &self,
        txn: &Txn,
        events: &[(ContactAdded, &Envelope)],
    ) -> Result<Vec<bool>, Failure> {
        let Some(added) = Readable::of(events, added_of) else { return Ok(Vec::new()) };
        let are_new = self.app.hear_new_in(txn, added.corp, &added.said).await?;
        Ok(added.spread(are_new))
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

fn added_of(event: &ContactAdded, envelope: &Envelope) -> Result<Added, Failure> {
    let (person, member) = (person_of(&event.external_user_id)?, member_of(&event.user_id)?);
    Ok(Added { person, member, fact: fact_of(envelope) })
}
