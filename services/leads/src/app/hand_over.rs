//! Asking WeCom to hand a customer over, once however often it is wanted.

use std::time::Duration;

use scrm_db::Txn;
use scrm_kernel::{CorpId, TransferId};
use scrm_mq::{Claim, Next};
use scrm_wecom::client::token::TokenError;
use scrm_wecom::client::{self, CallError, Class, Handover};
use sea_orm::DbErr;

use super::App;
use super::follow_transfers::change;
use crate::domain::transfer::{Answer, Progress, Seen, Transfer, Trouble, Turn};
use crate::store;

/// How long WeCom may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take in all, with a look before and one after it.
const LEASE: Duration = Duration::from_mins(2);

impl App {
    /// Claims a transfer, if WeCom is still to be asked.
    pub(crate) async fn claim_transfer_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        id: TransferId,
    ) -> Result<Claim<Transfer>, DbErr> {
        let Some(transfer) = store::transfer::lock(txn, &self.keys, corp, id).await? else {
            return Ok(Claim::Nothing);
        };
        let now = txn.now();
        match transfer.progress.clone().turn(now, now + LEASE) {
            Turn::Nothing => Ok(Claim::Nothing),
            Turn::Busy(until) => Ok(Claim::Busy { until }),
            Turn::Call(progress) => {
                let transfer = Transfer { progress, ..transfer };
                store::transfer::save(txn, &transfer).await?;
                Ok(Claim::Call(transfer))
            }
        }
    }

    /// Asks WeCom to begin a transfer; looks first if an earlier request may have been heard.
    pub(crate) async fn hand_over(&self, transfer: &Transfer) -> Answer {
        let is_unclear = transfer.progress.is_unclear;
        if is_unclear {
            match self.look(transfer).await {
                Ok(Seen::Waiting | Seen::Done) => return Answer::Accepted,
                Ok(Seen::Nothing | Seen::TooMany | Seen::Refused) => {}
                Err(error) => return Answer::Later(trouble_of(&error)),
            }
        }
        let request = client::Transfer {
            from: transfer.from.clone(),
            to: transfer.to.clone(),
            customers: vec![transfer.person.clone()],
            message: transfer.message.as_ref().map(|message| message.as_str().to_owned()),
        };
        let wecom = self.wecom.of(transfer.corp, None);
        let asked = wecom.transfer_customers(Handover::OnJob, &request);
        let answers = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answers)) => answers,
            Ok(Err(error)) => return answer_of(&error),
            Err(_) => return Answer::Unclear(Trouble::said("WeCom did not answer in time")),
        };
        let Some(answer) = answers.iter().find(|answer| answer.customer == transfer.person) else {
            return Answer::Unclear(Trouble::said("WeCom's answer does not name the customer"));
        };
        match (answer.errcode, Class::of(answer.errcode)) {
            (0, _) => Answer::Accepted,
            // Our own earlier request was heard after all.
            (40100 | 40129, _) if is_unclear => Answer::Accepted,
            // Somebody began it in WeCom's own console: this one, or one to another member.
            (40100 | 40129, _) => match self.look(transfer).await {
                Ok(Seen::Waiting) => Answer::Accepted,
                Ok(_) => Answer::Refused(Trouble::of(answer.errcode)),
                Err(error) => Answer::Later(trouble_of(&error)),
            },
            (errcode, Class::Retry | Class::Wait) => Answer::Later(Trouble::of(errcode)),
            (errcode, _) => Answer::Refused(Trouble::of(errcode)),
        }
    }

    /// Records what WeCom answered.
    pub(crate) async fn record_transfer_in(
        &self,
        txn: &Txn,
        asked: &Transfer,
        answer: &Answer,
    ) -> Result<Next, DbErr> {
        let Some(transfer) = store::transfer::lock(txn, &self.keys, asked.corp, asked.id).await? else {
            return Ok(Next::Done);
        };
        let (progress, again) =
            transfer.progress.clone().answered(asked.progress.attempts, answer, txn.now());
        let transfer = Transfer { progress, ..transfer };
        store::transfer::save(txn, &transfer).await?;
        let (id, state) = (transfer.id, transfer.progress.state.as_str());
        tracing::info!(transfer.id = %id, transfer.state = state, "Transfer {id} is {state}");
        Ok(again.map_or(Next::Done, Next::Retry))
    }

    /// Notes that nobody will ask WeCom any more, so that the lead can be given to somebody else.
    pub(crate) async fn give_up_transfer_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        id: TransferId,
    ) -> Result<(), DbErr> {
        match store::transfer::lock(txn, &self.keys, corp, id).await? {
            Some(transfer) => change(txn, transfer, Progress::given_up).await,
            None => Ok(()),
        }
    }
}

fn answer_of(error: &CallError) -> Answer {
    let trouble = trouble_of(error);
    match (error, error.class()) {
        (_, Class::Unclear) => Answer::Unclear(trouble),
        // The enterprise works without WeCom: no ladder helps.
        (CallError::Token(TokenError::NotConnected), _) | (_, Class::Stop) => Answer::Refused(trouble),
        // A person may set it right before the ladder ends.
        (_, Class::Operator | Class::Retry | Class::RefreshToken | Class::Wait) => Answer::Later(trouble),
    }
}

fn trouble_of(error: &CallError) -> Trouble {
    Trouble { errcode: error.errcode(), words: error.to_string() }
}
