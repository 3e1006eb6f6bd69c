//! A customer was read from WeCom.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::ExternalUserId;
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{Envelope, wecom::v1::CustomerRead};

use super::contact::bad;
use crate::app::App;

pub(super) struct OnCustomerRead {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<CustomerRead> for OnCustomerRead {
    async fn handle(&self, txn: &Txn, event: CustomerRead, envelope: &Envelope) -> Result<(), Failure> {
        let person = ExternalUserId::parse(&event.external_user_id)
            .map_err(|error| bad("external_user_id", &error))?;
        // Untrusted text; PostgreSQL keeps everything but a zero character.
        let name = event.name.replace('\0', "");
        self.app.note_person_in(txn, envelope.corp, &person, &name, envelope.occurred_at).await?;
        Ok(())
    }
}
