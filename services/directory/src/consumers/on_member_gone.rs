//! WeCom knows no such member any more.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Cause, Txn};
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{Envelope, wecom::v1::MemberGone};

use super::{fact_of, user_of};
use crate::app::App;

pub(super) struct OnMemberGone {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<MemberGone> for OnMemberGone {
    async fn handle(&self, txn: &Txn, event: MemberGone, envelope: &Envelope) -> Result<(), Failure> {
        let user = user_of("user_id", &event.user_id)?;
        let cause = Cause::from(envelope);
        self.app.lose_member_in(txn, envelope.corp, &user, fact_of(envelope), &cause).await?;
        Ok(())
    }
}
