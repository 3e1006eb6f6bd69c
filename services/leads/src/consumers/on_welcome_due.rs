//! A new contact waits for a welcome message.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Claim, EffectHandler, Failure, Next};
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

    async fn call(&self, to_greet: &ToGreet) -> Answer {
        self.app.greet(to_greet).await
    }

    async fn record(&self, txn: &Txn, to_greet: &ToGreet, answer: &Answer) -> Result<Next, Failure> {
        Ok(self.app.record_welcome_in(txn, to_greet, answer).await?)
    }
}
