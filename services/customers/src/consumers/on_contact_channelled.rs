//! A customer came through one of our channels.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Cause, Txn};
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{Envelope, leads::v1::ContactChannelled};

use super::parse::{fact_of, member_of, person_of, text};
use crate::app::{App, Arrival};

pub(super) struct OnContactChannelled {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<ContactChannelled> for OnContactChannelled {
    async fn handle(&self, txn: &Txn, event: ContactChannelled, envelope: &Envelope) -> Result<(), Failure> {
        let arrival = Arrival {
            person: person_of(&event.external_user_id)?,
            member: member_of(&event.user_id)?,
            fact: fact_of(envelope),
            channel: text(&event.channel_id),
            channel_name: text(&event.channel_name),
            tags: event.tag_ids.iter().map(|tag| text(tag)).collect(),
        };
        self.app.hear_arrival_in(txn, envelope.corp, &arrival, &Cause::from(envelope)).await?;
        Ok(())
    }
}
