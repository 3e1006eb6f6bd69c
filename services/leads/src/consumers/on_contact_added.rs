//! A member has a customer as contact.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Cause, Txn};
use scrm_mq::{Failure, StateHandler};
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
        let mut are_handled = vec![false; events.len()];
        let Some((_, Envelope { corp, .. })) = events.first() else { return Ok(are_handled) };
        // Of each person the first contact only: whether there is a lead then, the others have to see.
        let (mut people, mut places, mut told) = (HashSet::new(), Vec::new(), Vec::new());
        for (place, (event, envelope)) in events.iter().enumerate() {
            let Ok(contact) = contact_of(event, envelope) else { continue };
            if people.insert((envelope.corp, contact.person.clone())) && envelope.corp == *corp {
                places.push(place);
                told.push((contact, Cause::from(*envelope)));
            }
        }
        for (place, is_handled) in places.into_iter().zip(self.app.capture_new_in(txn, *corp, &told).await?) {
            are_handled[place] = is_handled;
        }
        Ok(are_handled)
    }
}
