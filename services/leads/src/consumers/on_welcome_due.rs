//! A new contact waits for a welcome message.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Claim, EffectHandler, Failure, Next, Readable};
use scrm_proto::{Envelope, wecom::v1::ContactAdded};

use super::contact::contact_of;
use crate::app::{App, ToGreet};
use crate::domain::welcome::Answer;

pub(super) struct OnWelcomeDue {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl EffectHandler<ContactAdded> for OnWelcomeDue {
    type Unit = ToGreet;
    type Outcome = Answer;

    async fn claim(
        &self,
        txn: &Txn,
        event: &ContactAdded,
        envelope: &Envelope,
    ) -> Result<Claim<ToGreet>, Failure> {
        if event.welcome_code.is_empty() {
            return Ok(Claim::Nothing);
        }
        let contact = contact_of(event, envelope)?;
        let code = event.welcome_code.clone().into();
        Ok(self.app.claim_welcome_in(txn, envelope.corp, &contact, &event.app, code).await?)
    }

    const CLAIMS_AT_ONCE: bool = true;

    async fn claim_at_once(
        &self,
        txn: &Txn,
        events: &[(&ContactAdded, &Envelope)],
    ) -> Result<Vec<Option<Claim<ToGreet>>>, Failure> {
        let due = |event: &&ContactAdded, envelope: &Envelope| {
            if event.welcome_code.is_empty() {
                return Err(Failure::Reject("there is nothing to greet with".to_owned()));
            }
            Ok((contact_of(event, envelope)?, event.app.clone(), event.welcome_code.clone().into()))
        };
        let Some(mut due) = Readable::of(events, due) else { return Ok(Vec::new()) };
        let claims = self.app.claim_welcomes_in(txn, due.corp, std::mem::take(&mut due.said)).await?;
        Ok(due.spread(claims))
    }

    async fn call(&self, to_greet: &ToGreet) -> Answer {
        self.app.greet(to_greet).await
    }

    async fn record(&self, txn: &Txn, to_greet: &ToGreet, answer: &Answer) -> Result<Next, Failure> {
        Ok(self.app.record_welcome_in(txn, to_greet, answer).await?)
    }

    const RECORDS_AT_ONCE: bool = true;

    async fn record_at_once(
        &self,
        txn: &Txn,
        calls: &[(&ToGreet, &Answer)],
    ) -> Result<Vec<Option<Next>>, Failure> {
        Ok(self.app.record_welcomes_in(txn, calls).await?)
    }
}
