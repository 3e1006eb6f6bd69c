//! WeCom's tags of a relation are to follow.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::{CustomerId, RelationId};
use scrm_mq::{Claim, EffectHandler, Failure, Next};
use scrm_proto::{Envelope, customers::v1::RelationTagsWanted};

use crate::app::{App, MarkAnswer, ToMark};

pub(super) struct OnRelationTagsWanted {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl EffectHandler<RelationTagsWanted> for OnRelationTagsWanted {
    type Unit = ToMark;
    type Outcome = MarkAnswer;

    async fn claim(
        &self,
        txn: &Txn,
        event: &RelationTagsWanted,
        envelope: &Envelope,
    ) -> Result<Claim<ToMark>, Failure> {
        let customer: CustomerId =
            event.customer_id.parse().map_err(|error| Failure::Reject(format!("customer_id is {error}")))?;
        let relation: RelationId =
            event.relation_id.parse().map_err(|error| Failure::Reject(format!("relation_id is {error}")))?;
        Ok(self.app.claim_tags_in(txn, envelope.corp, customer, relation).await?)
    }

    async fn call(&self, to_mark: &ToMark) -> MarkAnswer {
        self.app.mark_tags(to_mark).await
    }

    async fn record(&self, txn: &Txn, to_mark: &ToMark, answer: &MarkAnswer) -> Result<Next, Failure> {
        Ok(self.app.record_tags_in(txn, to_mark, answer).await?)
    }
}
