//! A member has a customer as contact.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Cause, Txn};
use scrm_kernel::wecom_id::BadWecomId;
use scrm_kernel::{ExternalUserId, WecomUserId};
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{Envelope, wecom::v1::ContactAdded};

use crate::app::App;
use crate::domain::lead::{Claim, Contact, Owner};

pub(super) struct OnContactAdded {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<ContactAdded> for OnContactAdded {
    async fn handle(&self, txn: &Txn, event: ContactAdded, envelope: &Envelope) -> Result<(), Failure> {
        let contact = contact_of(&event, envelope)
            .map_err(|(field, error)| Failure::Reject(format!("{field} {error}")))?;
        self.app.capture_contact_in(txn, envelope.corp, &contact, &Cause::from(envelope)).await?;
        Ok(())
    }
}

fn contact_of(event: &ContactAdded, envelope: &Envelope) -> Result<Contact, (&'static str, BadWecomId)> {
    Ok(Contact {
        person: ExternalUserId::parse(&event.external_user_id)
            .map_err(|error| ("external_user_id", error))?,
        member: Owner {
            staff: None,
            user: WecomUserId::parse(&event.user_id).map_err(|error| ("user_id", error))?,
        },
        // Untrusted text; PostgreSQL keeps everything but a zero character.
        channel: Some(event.state.replace('\0', "")).filter(|state| !state.is_empty()),
        confirmed: !event.half,
        claim: Claim {
            occurred_at: envelope.occurred_at,
            received_seq: envelope.received_seq.unwrap_or(i64::MAX),
        },
        received_at: envelope.received_at.unwrap_or(envelope.occurred_at),
    })
}
