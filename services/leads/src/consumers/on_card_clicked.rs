//! A member pressed a button of a card.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Cause, Txn};
use scrm_kernel::WecomUserId;
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{Envelope, wecom::v1::CardClicked};

use super::contact::bad;
use crate::app::{App, Click};
use crate::domain::card::TaskId;

pub(super) struct OnCardClicked {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<CardClicked> for OnCardClicked {
    async fn handle(&self, txn: &Txn, event: CardClicked, envelope: &Envelope) -> Result<(), Failure> {
        let click = Click {
            user: WecomUserId::parse(&event.user_id).map_err(|error| bad("user_id", &error))?,
            app: event.app,
            // Untrusted text; PostgreSQL keeps everything but a zero character.
            task: TaskId::from_text(&event.task_id.replace('\0', "")),
            button_key: event.button_key.replace('\0', ""),
            response_code: event.response_code,
            at: envelope.occurred_at,
        };
        self.app.note_click_in(txn, envelope.corp, click, &Cause::from(envelope)).await?;
        Ok(())
    }
}
