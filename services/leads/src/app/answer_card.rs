//! A member presses a button of a card; the card then says so.

use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::{CorpId, Scope, Timestamp, WecomUserId};
use scrm_mq::{Claim, Next};
use scrm_proto::leads::v1::CardAnswered;
use scrm_wecom::client::{CardChange, CardUpdate};
use sea_orm::DbErr;

use super::App;
use super::tell_owner::{CODE_LIFE, LEASE, answer_of};
use crate::domain::card::{Answered, Button, Card, Code, TaskId};
use crate::domain::sending::{Answer, Turn};
use crate::store;

/// A pressed button, as an event tells it.
pub(crate) struct Click {
    pub(crate) app: String,
    pub(crate) user: WecomUserId,
    pub(crate) task: TaskId,
    pub(crate) button_key: String,
    pub(crate) response_code: String,
    pub(crate) at: Timestamp,
}

/// A card whose change is this process's to make.
pub(crate) struct ToChange {
    card: Card,
    code: Code,
}

impl App {
    /// Notes an answer to a card of ours; the first one counts.
    pub(crate) async fn note_click_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        click: Click,
        cause: &Cause,
    ) -> Result<(), DbErr> {
        let Click { app, user, task, button_key, response_code, at } = click;
        let Some(card) = store::card::lock(txn, &self.keys, corp, &task).await? else {
            tracing::debug!("A button of a card that is not ours was pressed");
            return Ok(());
        };
        let code = Code { text: response_code, until: at + CODE_LIFE };
        if !store::acknowledgement::note_click(txn, corp, &task, &user, &button_key, &code, at).await? {
            return Ok(());
        }
        let button = Button::parse(&button_key);
        let is_theirs = user.folded() == card.user.folded();
        let (Some(button), true, None, None) = (button, is_theirs, &card.answered, card.superseded_at) else {
            tracing::info!("A pressed button changes nothing");
            return Ok(());
        };

        let lead = store::lead::find(txn, &Scope::everybody(corp), card.lead).await?;
        let owns = lead.is_some_and(|lead| lead.owner() == Some(&user));
        if owns && button == Button::Follow {
            store::acknowledgement::note(txn, corp, card.lead, &user, at).await?;
        }
        let event = CardAnswered {
            corp_id: corp.to_string(),
            task_id: task.as_str().to_owned(),
            lead_id: card.lead.to_string(),
            user_id: user.as_str().to_owned(),
            answer: button.key().to_owned(),
        };
        let card = card.answered(Answered { button, by: user, at }, app, code);
        store::card::save(txn, &self.keys, &card).await?;
        outbox::put(txn, corp, cause, &event).await?;
        tracing::info!(lead.id = %card.lead, answer = button.key(), "A card about lead {} is answered", card.lead);
        Ok(())
    }

    /// Claims the change of a card that was answered or is out of date.
    pub(crate) async fn claim_change_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        task: &TaskId,
    ) -> Result<Claim<ToChange>, DbErr> {
        let Some(card) = store::card::lock(txn, &self.keys, corp, task).await? else {
            return Ok(Claim::Nothing);
        };
        let (Some(change), Some(code)) = (card.change, card.code.clone()) else { return Ok(Claim::Nothing) };
        match change.turn(txn.now(), LEASE, code.until) {
            Turn::Busy(until) => Ok(Claim::Busy { until }),
            Turn::Nothing(after) => {
                store::card::save(txn, &self.keys, &Card { change: Some(after), ..card }).await?;
                Ok(Claim::Nothing)
            }
            Turn::Call(after) => {
                let card = Card { change: Some(after), ..card };
                store::card::save(txn, &self.keys, &card).await?;
                Ok(Claim::Call(ToChange { card, code }))
            }
        }
    }

    /// Changes a card.
    pub(crate) async fn change_card(&self, to_change: &ToChange) -> Answer {
        let ToChange { card, code } = to_change;
        let update = CardUpdate {
            users: vec![card.user.clone()],
            response_code: code.text.clone(),
            change: CardChange::Button(card.pressed().to_owned()),
        };
        match self.wecom.of(card.corp, card.app.as_deref()).update_card(&update).await {
            Ok(()) => Answer::Sent,
            Err(error) => answer_of(&error),
        }
    }

    /// Records what WeCom answered.
    pub(crate) async fn record_change_in(
        &self,
        txn: &Txn,
        to_change: &ToChange,
        answer: &Answer,
    ) -> Result<Next, DbErr> {
        let (corp, task) = (to_change.card.corp, &to_change.card.task);
        let Some(card) = store::card::lock(txn, &self.keys, corp, task).await? else {
            return Ok(Next::Done);
        };
        let Some(change) = card.change else { return Ok(Next::Done) };
        // It was recorded before.
        if card.code.as_ref() != Some(&to_change.code) {
            return Ok(Next::Done);
        }
        let (after, again) = change.answered(answer);
        let code = card.code.filter(|_| !after.state.is_final());
        let recorded = Card { change: Some(after), code, problem: answer.problem(), ..card };
        store::card::save(txn, &self.keys, &recorded).await?;
        Ok(again.map_or(Next::Done, Next::Retry))
    }
}
