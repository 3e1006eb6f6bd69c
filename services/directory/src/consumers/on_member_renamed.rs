//! A member has another id.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Cause, Txn};
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{Envelope, wecom::v1::MemberRenamed};

use super::user_of;
use crate::app::App;
use crate::domain::tenure::Rename;

pub(super) struct OnMemberRenamed {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<MemberRenamed> for OnMemberRenamed {
    async fn handle(&self, txn: &Txn, event: MemberRenamed, envelope: &Envelope) -> Result<(), Failure> {
        let rename = Rename {
            former: user_of("former_user_id", &event.former_user_id)?,
            user: user_of("user_id", &event.user_id)?,
            at: envelope.occurred_at,
        };
        self.app.rename_member_in(txn, envelope.corp, &rename, &Cause::from(envelope)).await?;
        Ok(())
    }
}
