//! Leads of a minute wait to be told together.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::WecomUserId;
use scrm_kernel::time::from_millis;
use scrm_mq::{Claim, EffectHandler, Failure, Next};
use scrm_proto::{Envelope, leads::v1::CardsGathered};
use scrm_wecom::client::Sent;

use super::contact::bad;
use crate::app::{App, ToGather};
use crate::domain::sending::Answer;

pub(super) struct OnCardsGathered {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl EffectHandler<CardsGathered> for OnCardsGathered {
    type Unit = ToGather;
    type Outcome = (Answer, Option<Sent>);

    async fn claim(
        &self,
        txn: &Txn,
        event: &CardsGathered,
        envelope: &Envelope,
    ) -> Result<Claim<ToGather>, Failure> {
        let user = WecomUserId::parse(&event.user_id).map_err(|error| bad("user_id", &error))?;
        let minute = from_millis(event.minute.saturating_mul(1000));
        Ok(self.app.claim_gathered_in(txn, envelope.corp, user, minute).await?)
    }

    async fn call(&self, to_gather: &ToGather) -> (Answer, Option<Sent>) {
        self.app.tell_gathered(to_gather).await
    }

    async fn record(
        &self,
        txn: &Txn,
        to_gather: &ToGather,
        outcome: &(Answer, Option<Sent>),
    ) -> Result<Next, Failure> {
        Ok(self.app.record_gathered_in(txn, to_gather, outcome).await?)
    }
}
