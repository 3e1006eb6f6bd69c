//! A member has a customer as contact.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Cause, Txn};
use scrm_mq::{Failure, Readable, StateHandler};
use scrm_proto::{Envelope, wecom::v1::ContactAdded};

use super::contact::contact_of;
use crate::app::App;

pub(super) struct OnContactAdded {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<ContactAdded> for OnContactAdded {
    async fn handle(&self, txn: &Txn, event: ContactAdded, envelope: &Envelope) -> Result<(), Failure> {
        let contact = contact_of(&event, envelope)?;
        self.app.capture_contact_in(txn, envelope.corp, &contact, &Cause::from(envelope)).await?;
        Ok(())
    }

    const HANDLES_AT_ONCE: bool = true;

    async fn handle_at_once(
        &self,
        txn: &Txn,
        events: &[(ContactAdded, &Envelope)],
    ) -> Result<Vec<bool>, Failure> {
        let read = |event: &ContactAdded, envelope: &Envelope| {
            Ok((contact_of(event, envelope)?, Cause::from(envelope)))
        };
        let Some(told) = Readable::of(events, read) else { return Ok(Vec::new()) };
        let are_new = self.app.capture_new_in(txn, told.corp, &told.said).await?;
        Ok(told.spread(are_new))
    }
}
