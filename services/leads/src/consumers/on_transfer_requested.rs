//! A customer is to go over to another member.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_kernel::TransferId;
use scrm_mq::{Claim, EffectHandler, Failure, Next};
use scrm_proto::{Envelope, leads::v1::TransferRequested};

use crate::app::App;
use crate::domain::transfer::{Answer, Transfer};

pub(super) struct OnTransferRequested {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl EffectHandler<TransferRequested> for OnTransferRequested {
    type Unit = Transfer;
    type Outcome = Answer;

    async fn claim(
        &self,
        txn: &Txn,
        event: &TransferRequested,
        envelope: &Envelope,
    ) -> Result<Claim<Transfer>, Failure> {
        Ok(self.app.claim_transfer_in(txn, envelope.corp, id_of(event)?).await?)
    }

    async fn call(&self, transfer: &Transfer) -> Answer {
        self.app.hand_over(transfer).await
    }

    async fn record(&self, txn: &Txn, transfer: &Transfer, answer: &Answer) -> Result<Next, Failure> {
        Ok(self.app.record_transfer_in(txn, transfer, answer).await?)
    }

    async fn given_up(
        &self,
        txn: &Txn,
        event: &TransferRequested,
        envelope: &Envelope,
    ) -> Result<(), Failure> {
        Ok(self.app.give_up_transfer_in(txn, envelope.corp, id_of(event)?).await?)
    }
}

fn id_of(event: &TransferRequested) -> Result<TransferId, Failure> {
    event.transfer_id.parse().map_err(|error| Failure::Reject(format!("transfer_id: {error}")))
}
