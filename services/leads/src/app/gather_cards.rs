//! Telling a member in one message of the leads that were too many for cards of their own.

use scrm_db::Txn;
use scrm_kernel::{CorpId, ExternalUserId, Timestamp, WecomUserId};
use scrm_mq::{Claim, Next};
use scrm_wecom::client::{AppMessage, Content, Sent};
use sea_orm::DbErr;

use super::App;
use super::tell_owner::{LEASE, REPEATABLE, REPEATS_DROPPED, sent};
use crate::domain::card_words::digest;
use crate::domain::sending::{Answer, State, Turn, minute_of};
use crate::store;
use crate::store::card_minute::{Key, Minute};

/// A message about the leads of a minute that is this process's to send.
pub(crate) struct ToGather {
    key: Key,
    words: String,
}

impl App {
    /// Claims the message about the leads of a minute, once the minute is over.
    pub(crate) async fn claim_gathered_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        user: WecomUserId,
        minute: Timestamp,
    ) -> Result<Claim<ToGather>, DbErr> {
        let (now, key) = (txn.now(), Key { corp, user, minute });
        if now < key.end() {
            return Ok(Claim::Busy { until: key.end() });
        }
        let Some(minute) = store::card_minute::lock(txn, &self.keys, &key).await? else {
            return Ok(Claim::Nothing);
        };
        let after = match minute.progress.turn(now, LEASE, key.end() + REPEATABLE) {
            Turn::Busy(until) => return Ok(Claim::Busy { until }),
            Turn::Nothing(after) => {
                if after != minute.progress {
                    let ended = Minute { progress: after, settled_at: Some(now), ..minute };
                    store::card_minute::save(txn, &self.keys, &key, &ended).await?;
                }
                return Ok(Claim::Nothing);
            }
            Turn::Call(after) => after,
        };

        let words = match &minute.words {
            Some(words) => Some(words.clone()),
            None => self.digest_in(txn, &key).await?,
        };
        let Some(words) = words else {
            let progress = minute.progress.ended(State::Skipped);
            let ended = Minute { progress, settled_at: Some(now), ..minute };
            store::card_minute::save(txn, &self.keys, &key, &ended).await?;
            return Ok(Claim::Nothing);
        };
        let calling = Minute { progress: after, words: Some(words.clone()), ..minute };
        store::card_minute::save(txn, &self.keys, &key, &calling).await?;
        let present = Key { minute: minute_of(now), ..key.clone() };
        store::card_minute::count(txn, &self.keys, &present).await?;
        Ok(Claim::Call(ToGather { key, words }))
    }

    /// Returns what the message says; nothing when all leads belong to others by now.
    async fn digest_in(&self, txn: &Txn, key: &Key) -> Result<Option<String>, DbErr> {
        let people = store::card::gathered(txn, key.corp, &key.user, key.minute).await?;
        let known = store::person::names(txn, key.corp, people.iter().flatten()).await?;
        let name_of = |person: &Option<ExternalUserId>| known.get(person.as_ref()?).cloned();
        let names: Vec<_> = people.iter().map(name_of).collect();
        Ok((!names.is_empty()).then(|| digest(key.minute, &names)))
    }

    /// Sends the message about the leads of a minute.
    pub(crate) async fn tell_gathered(&self, to_gather: &ToGather) -> (Answer, Option<Sent>) {
        let message = AppMessage {
            users: vec![to_gather.key.user.clone()],
            content: Content::Text(to_gather.words.clone()),
            drop_repeats_for: Some(REPEATS_DROPPED),
        };
        sent(self.wecom.of(to_gather.key.corp, None).send_message(&message).await)
    }

    /// Records what WeCom answered.
    pub(crate) async fn record_gathered_in(
        &self,
        txn: &Txn,
        to_gather: &ToGather,
        (answer, sent): &(Answer, Option<Sent>),
    ) -> Result<Next, DbErr> {
        let key = &to_gather.key;
        let Some(minute) = store::card_minute::lock(txn, &self.keys, key).await? else {
            return Ok(Next::Done);
        };
        let (after, again) = minute.progress.answered(answer);
        let recorded = Minute {
            progress: after,
            settled_at: after.state.is_final().then(|| txn.now()),
            problem: answer.problem(),
            message_id: sent.as_ref().and_then(|sent| sent.message_id.clone()),
            ..minute
        };
        store::card_minute::save(txn, &self.keys, key, &recorded).await?;
        if after.state != State::Wanted {
            let (state, leads) = (after.state.as_str(), recorded.gathered);
            tracing::info!(corp.id = %key.corp, card.state = state, "A message about {leads} leads is {state}");
        }
        Ok(again.map_or(Next::Done, Next::Retry))
    }
}
