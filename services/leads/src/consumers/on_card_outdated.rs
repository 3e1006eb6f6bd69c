//! A card was answered or is out of date, and shall look so.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Claim, EffectHandler, Failure, Next};
use scrm_proto::leads::v1::{CardAnswered, CardSuperseded};
use scrm_proto::{Envelope, Event};

use crate::app::{App, ToChange};
use crate::domain::card::TaskId;
use crate::domain::sending::Answer;

/// Handles every event after which a card looks otherwise.
pub(super) struct OnCardOutdated {
    pub(super) app: Arc<App>,
}

/// An event after which a card looks otherwise.
pub(super) trait OutdatesCard: Event {
    fn task_id(&self) -> &str;
}

impl OutdatesCard for CardAnswered {
    fn task_id(&self) -> &str {
        &self.task_id
    }
}

impl OutdatesCard for CardSuperseded {
    fn task_id(&self) -> &str {
        &self.task_id
    }
}

#[async_trait]
impl<E: OutdatesCard + Sync> EffectHandler<E> for OnCardOutdated {
    type Unit = ToChange;
    type Outcome = Answer;

    async fn claim(&self, txn: &Txn, event: &E, envelope: &Envelope) -> Result<Claim<ToChange>, Failure> {
        Ok(self.app.claim_change_in(txn, envelope.corp, &TaskId::from_text(event.task_id())).await?)
    }

    async fn call(&self, to_change: &ToChange) -> Answer {
        self.app.change_card(to_change).await
    }

    async fn record(&self, txn: &Txn, to_change: &ToChange, answer: &Answer) -> Result<Next, Failure> {
        Ok(self.app.record_change_in(txn, to_change, answer).await?)
    }
}
