//! The enterprise is to have one more tag in WeCom.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::TagWishId;
use scrm_mq::{Claim, EffectHandler, Failure, Next};
use scrm_proto::{Envelope, customers::v1::TagWanted};

use crate::app::{App, MakeAnswer, ToMake};

pub(super) struct OnTagWanted {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl EffectHandler<TagWanted> for OnTagWanted {
    type Unit = ToMake;
    type Outcome = MakeAnswer;

    async fn claim(
        &self,
        txn: &Txn,
        event: &TagWanted,
        envelope: &Envelope,
    ) -> Result<Claim<ToMake>, Failure> {
        let wish: TagWishId =
            event.tag_wish_id.parse().map_err(|error| Failure::Reject(format!("tag_wish_id is {error}")))?;
        Ok(self.app.claim_tag_in(txn, envelope.corp, wish).await?)
    }

    async fn call(&self, to_make: &ToMake) -> MakeAnswer {
        self.app.make_tag(to_make).await
    }

    async fn record(&self, txn: &Txn, to_make: &ToMake, answer: &MakeAnswer) -> Result<Next, Failure> {
        Ok(self.app.record_tag_in(txn, to_make, answer).await?)
    }
}
