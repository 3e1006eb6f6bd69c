//! A lead has an owner, who wants to know.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Cause, Txn};
use scrm_kernel::{ExternalUserId, LeadId, WecomUserId};
use scrm_mq::{Claim, EffectHandler, Failure, Next, Readable};
use scrm_proto::{Envelope, leads::v1::LeadAssigned};
use scrm_wecom::client::Sent;

use super::contact::bad;
use crate::app::{App, ToTell};
use crate::domain::sending::Answer;

pub(super) struct OnLeadAssigned {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl EffectHandler<LeadAssigned> for OnLeadAssigned {
    type Unit = ToTell;
    type Outcome = (Answer, Option<Sent>);

    async fn prepare(&self, event: &LeadAssigned, envelope: &Envelope) {
        if let Ok(person) = ExternalUserId::parse(&event.external_user_id) {
            self.app.await_name(envelope.corp, &person).await;
        }
    }

    async fn claim(
        &self,
        txn: &Txn,
        event: &LeadAssigned,
        envelope: &Envelope,
    ) -> Result<Claim<ToTell>, Failure> {
        let (lead, owner, cause) = assigned(event, envelope)?;
        Ok(self.app.claim_card_in(txn, envelope.corp, lead, &owner, &cause).await?)
    }

    const CLAIMS_AT_ONCE: bool = true;

    async fn claim_at_once(
        &self,
        txn: &Txn,
        events: &[(&LeadAssigned, &Envelope)],
    ) -> Result<Vec<Option<Claim<ToTell>>>, Failure> {
        let Some(told) = Readable::of(events, |event, envelope| assigned(event, envelope)) else {
            return Ok(Vec::new());
        };
        let claims = self.app.claim_cards_in(txn, told.corp, &told.said).await?;
        Ok(told.spread(claims))
    }

    async fn call(&self, to_tell: &ToTell) -> (Answer, Option<Sent>) {
        self.app.tell(to_tell).await
    }

    async fn record(
        &self,
        txn: &Txn,
        to_tell: &ToTell,
        outcome: &(Answer, Option<Sent>),
    ) -> Result<Next, Failure> {
        Ok(self.app.record_card_in(txn, to_tell, outcome).await?)
    }

    const RECORDS_AT_ONCE: bool = true;

    async fn record_at_once(
        &self,
        txn: &Txn,
        calls: &[(&ToTell, &(Answer, Option<Sent>))],
    ) -> Result<Vec<Option<Next>>, Failure> {
        Ok(self.app.record_cards_in(txn, calls).await?)
    }
}

/// Returns which lead an event is about, who owns it, and why this is told.
fn assigned(event: &LeadAssigned, envelope: &Envelope) -> Result<(LeadId, WecomUserId, Cause), Failure> {
    let owner = WecomUserId::parse(&event.owner_user_id).map_err(|error| bad("owner_user_id", &error))?;
    let lead = event.lead_id.parse();
    let lead = lead.map_err(|error| Failure::Reject(format!("lead_id is {error}")))?;
    Ok((lead, owner, Cause::from(envelope)))
}
