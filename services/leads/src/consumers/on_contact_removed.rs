//! A member and a customer have parted.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::{ExternalUserId, WecomUserId};
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{
    Envelope,
    wecom::v1::{ContactRemoved, RemovedBy},
};

use super::contact::{bad, claim_of};
use crate::app::App;

pub(super) struct OnContactRemoved {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<ContactRemoved> for OnContactRemoved {
    async fn handle(&self, txn: &Txn, event: ContactRemoved, envelope: &Envelope) -> Result<(), Failure> {
        let member = WecomUserId::parse(&event.user_id).map_err(|error| bad("user_id", &error))?;
        let person = ExternalUserId::parse(&event.external_user_id)
            .map_err(|error| bad("external_user_id", &error))?;
        self.app.end_relation_in(txn, envelope.corp, &member, &person, claim_of(envelope)).await?;
        if event.by() == RemovedBy::Transfer {
            self.app.note_gone_in(txn, envelope.corp, &member, &person, envelope.occurred_at).await?;
        }
        Ok(())
    }
}
