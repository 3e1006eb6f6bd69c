//! A customer was read from WeCom.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::{ExternalUserId, Timestamp};
use scrm_mq::{Failure, Readable, StateHandler};
use scrm_proto::{Envelope, wecom::v1::CustomerRead};

use super::contact::bad;
use crate::app::App;

pub(super) struct OnCustomerRead {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<CustomerRead> for OnCustomerRead {
    async fn handle(&self, txn: &Txn, event: CustomerRead, envelope: &Envelope) -> Result<(), Failure> {
        self.app.note_people_in(txn, envelope.corp, &[named(&event, envelope)?]).await?;
        Ok(())
    }

    const HANDLES_AT_ONCE: bool = true;

    async fn handle_at_once(
        &self,
        txn: &Txn,
        events: &[(CustomerRead, &Envelope)],
    ) -> Result<Vec<bool>, Failure> {
        let Some(named) = Readable::of(events, named) else { return Ok(Vec::new()) };
        self.app.note_people_in(txn, named.corp, &named.said).await?;
        Ok(named.spread(named.said.iter().map(|_| true)))
    }
}

/// Returns whose name was read, which it is, and when.
fn named(event: &CustomerRead, envelope: &Envelope) -> Result<(ExternalUserId, String, Timestamp), Failure> {
    let person =
        ExternalUserId::parse(&event.external_user_id).map_err(|error| bad("external_user_id", &error))?;
    // Untrusted text; PostgreSQL keeps everything but a zero character.
    Ok((person, event.name.replace('\0', ""), envelope.occurred_at))
}
