//! A customer did not go over to another member.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::{ExternalUserId, WecomUserId};
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{Envelope, wecom::v1::TransferFailed};

use super::contact::bad;
use crate::app::App;

pub(super) struct OnTransferFailed {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<TransferFailed> for OnTransferFailed {
    async fn handle(&self, txn: &Txn, event: TransferFailed, envelope: &Envelope) -> Result<(), Failure> {
        let taker = WecomUserId::parse(&event.user_id).map_err(|error| bad("user_id", &error))?;
        let person = ExternalUserId::parse(&event.external_user_id)
            .map_err(|error| bad("external_user_id", &error))?;
        let (corp, moment) = (envelope.corp, envelope.occurred_at);
        self.app.note_transfer_failed_in(txn, corp, &taker, &person, &event.reason, moment).await?;
        Ok(())
    }
}
