//! Somebody became a contact: read the profile from WeCom, now that the event is out and the welcome is on its way.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::ExternalUserId;
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{Envelope, wecom::v1::ContactAdded};

use crate::app::Reader;

pub(super) struct OnContactAdded {
    pub(super) reader: Arc<Reader>,
}

#[async_trait]
impl StateHandler<ContactAdded> for OnContactAdded {
    async fn handle(&self, txn: &Txn, event: ContactAdded, envelope: &Envelope) -> Result<(), Failure> {
        let customer = ExternalUserId::parse(&event.external_user_id)
            .map_err(|error| Failure::Reject(format!("external_user_id {error}")))?;
        self.reader.want_customer_in(txn, envelope.corp, &event.app, customer).await?;
        Ok(())
    }
}
