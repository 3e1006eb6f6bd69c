//! WeCom's contact way of a channel is to follow.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::ChannelId;
use scrm_mq::{Claim, EffectHandler, Failure, Next};
use scrm_proto::{Envelope, leads::v1::ChannelChanged};

use crate::app::{App, ToKeep, WayAnswer};

pub(super) struct OnChannelChanged {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl EffectHandler<ChannelChanged> for OnChannelChanged {
    type Unit = ToKeep;
    type Outcome = WayAnswer;

    async fn claim(
        &self,
        txn: &Txn,
        event: &ChannelChanged,
        envelope: &Envelope,
    ) -> Result<Claim<ToKeep>, Failure> {
        let id: ChannelId =
            event.channel_id.parse().map_err(|error| Failure::Reject(format!("channel_id is {error}")))?;
        Ok(self.app.claim_channel_in(txn, envelope.corp, id).await?)
    }

    async fn call(&self, to_keep: &ToKeep) -> WayAnswer {
        self.app.keep_way(to_keep).await
    }

    async fn record(&self, txn: &Txn, to_keep: &ToKeep, answer: &WayAnswer) -> Result<Next, Failure> {
        Ok(self.app.record_way_in(txn, to_keep, answer).await?)
    }
}
