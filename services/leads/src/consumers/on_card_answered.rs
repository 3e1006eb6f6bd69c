//! A card was answered or is out of date, and shall look so.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Claim, EffectHandler, Failure, Next};
use scrm_proto::Envelope;
use scrm_proto::leads::v1::{CardAnswered, CardSuperseded};

use crate::app::{App, ToChange};
use crate::domain::card::TaskId;
use crate::domain::sending::Answer;

pub(super) struct OnCardAnswered {
    pub(super) app: Arc<App>,
}

pub(super) struct OnCardSuperseded {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl EffectHandler<CardAnswered> for OnCardAnswered {
    type Unit = ToChange;
    type Outcome = Answer;

    async fn claim(
        &self,
        txn: &Txn,
        event: &CardAnswered,
        envelope: &Envelope,
    ) -> Result<Claim<ToChange>, Failure> {
        Ok(self.app.claim_change_in(txn, envelope.corp, &TaskId::from_text(&event.task_id)).await?)
    }

    async fn call(&self, to_change: &ToChange) -> Answer {
        self.app.change_card(to_change).await
    }

    async fn record(&self, txn: &Txn, to_change: &ToChange, answer: &Answer) -> Result<Next, Failure> {
        Ok(self.app.record_change_in(txn, to_change, answer).await?)
    }
}

#[async_trait]
impl EffectHandler<CardSuperseded> for OnCardSuperseded {
    type Unit = ToChange;
    type Outcome = Answer;

    async fn claim(
        &self,
        txn: &Txn,
        event: &CardSuperseded,
        envelope: &Envelope,
    ) -> Result<Claim<ToChange>, Failure> {
        Ok(self.app.claim_change_in(txn, envelope.corp, &TaskId::from_text(&event.task_id)).await?)
    }

    async fn call(&self, to_change: &ToChange) -> Answer {
        self.app.change_card(to_change).await
    }

    async fn record(&self, txn: &Txn, to_change: &ToChange, answer: &Answer) -> Result<Next, Failure> {
        Ok(self.app.record_change_in(txn, to_change, answer).await?)
    }
}
