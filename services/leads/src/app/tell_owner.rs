//! Telling the owner of a new lead by a card in WeCom, once per assignment.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::{CorpId, ExternalUserId, LeadId, Scope, Timestamp, WecomUserId};
use scrm_mq::{Claim, Next};
use scrm_proto::leads::v1::{CardSuperseded, CardsGathered};
use scrm_wecom::client::token::TokenError;
use scrm_wecom::client::{
    AppMessage, Button as CardButton, ButtonCard, ButtonStyle, CallError, CardLine, Class, Content, Sent,
};
use sea_orm::DbErr;

use super::App;
use crate::domain::card::{Button, Card, Code, TaskId};
use crate::domain::card_words::Words;
use crate::domain::lead::{FIRST, Lead};
use crate::domain::sending::{Answer, Progress, State, Turn, fits, minute_of};
use crate::store;
use crate::store::card_minute::{Key, Minute};

/// How long one call may take.
pub(super) const LEASE: Duration = Duration::from_secs(30);
/// How long a card waits for the customer's name.
const NAME_PATIENCE: Duration = Duration::from_secs(1);
/// For how long WeCom drops a repetition: the most it offers (document 90236).
pub(super) const REPEATS_DROPPED: Duration = Duration::from_hours(4);
/// Less than that, because WeCom counts from its own beginning.
pub(super) const REPEATABLE: Duration = Duration::from_mins(230);
/// How long a response code is good (document 94888).
pub(super) const CODE_LIFE: Duration = Duration::from_hours(72);

/// A card that is this process's to send.
pub(crate) struct ToTell {
    card: Card,
    words: Words,
    cause: Cause,
}

impl App {
    /// Waits a moment for the name of a customer whom a card will be about.
    pub(crate) async fn await_name(&self, corp: CorpId, person: &ExternalUserId) {
        // Without a door to WeCom there is no point in it.
        if self.wecom.of(corp, None).ready().await.is_ok() {
            self.names.before(tokio::time::sleep(NAME_PATIENCE), corp, person).await;
        }
    }

    /// Claims the card that tells `owner` of a lead, if they still own it and may get one more message.
    pub(crate) async fn claim_card_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        lead: LeadId,
        owner: &WecomUserId,
        cause: &Cause,
    ) -> Result<Claim<ToTell>, DbErr> {
        let Some(lead) = store::lead::find(txn, &Scope::everybody(corp), lead).await? else {
            return Ok(Claim::Nothing);
        };
        let now = txn.now();
        let Some(wanted) = Card::wanted(&lead, now) else { return Ok(Claim::Nothing) };
        if lead.version > FIRST {
            self.supersede_others_in(txn, &wanted, cause).await?;
        }
        if wanted.user != *owner {
            return Ok(Claim::Nothing);
        }
        let key = Key { corp, user: wanted.user.clone(), minute: minute_of(now) };
        let (minute, before) = store::card_minute::lock_or_add(txn, &self.keys, &key).await?;
        let has_room = fits(minute.sent, before);
        // Nearly always nobody has heard of the card, and it is written once, as it is to be.
        if has_room {
            let words = words_in(txn, &wanted, &lead).await?;
            let progress = Progress::begun(now + LEASE);
            let card = Card { progress, words: Some(words.clone()), ..wanted.clone() };
            if store::card::add(txn, &self.keys, &card).await? {
                self.count_in(txn, &key, minute).await?;
                return Ok(Claim::Call(ToTell { card, words, cause: cause.clone() }));
            }
        } else if minute.progress.state == State::Wanted
            && store::card::add(txn, &self.keys, &wanted.clone().gathered(key.minute, now)).await?
        {
            self.gather_in(txn, &key, minute, cause).await?;
            return Ok(Claim::Nothing);
        }

        let Some(card) = store::card::lock(txn, &self.keys, corp, &wanted.task).await? else {
            // This transaction waited until the minute was over, and its leads are being told.
            return Ok(Claim::Busy { until: key.end() });
        };
        let after = match card.progress.turn(now, LEASE, card.made_at + REPEATABLE) {
            Turn::Busy(until) => return Ok(Claim::Busy { until }),
            Turn::Nothing(after) => {
                if after != card.progress {
                    let problem = card.problem.clone();
                    store::card::save(txn, &self.keys, &card.settled(after, problem, now)).await?;
                }
                return Ok(Claim::Nothing);
            }
            Turn::Call(after) => after,
        };

        // A repetition of what WeCom may have is dropped there, and must not be told in another way too.
        if after.is_unclear || has_room {
            let words = words_in(txn, &card, &lead).await?;
            let card = Card { progress: after, words: Some(words.clone()), ..card };
            store::card::save(txn, &self.keys, &card).await?;
            self.count_in(txn, &key, minute).await?;
            return Ok(Claim::Call(ToTell { card, words, cause: cause.clone() }));
        }
        if minute.progress.state != State::Wanted {
            return Ok(Claim::Busy { until: key.end() });
        }
        store::card::save(txn, &self.keys, &card.gathered(key.minute, now)).await?;
        self.gather_in(txn, &key, minute, cause).await?;
        Ok(Claim::Nothing)
    }

    /// Claims at once the cards of leads that have their first owner, of whom nobody has heard, and for which there is
    /// room; `None` for the others. Each lead is another one.
    pub(crate) async fn claim_cards_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        wanted: &[(LeadId, WecomUserId, Cause)],
    ) -> Result<Vec<Option<Claim<ToTell>>>, DbErr> {
        let now = txn.now();
        let leads = store::lead::find_all(txn, corp, wanted.iter().map(|(lead, ..)| *lead)).await?;
        let mut firsts = Vec::new();
        for (place, (lead, owner, cause)) in wanted.iter().enumerate() {
            let lead = leads.get(lead).filter(|lead| lead.version == FIRST);
            let card = lead.and_then(|lead| Card::wanted(lead, now)).filter(|card| card.user == *owner);
            firsts.extend(lead.zip(card).map(|(lead, card)| (place, lead, card, cause)));
        }
        let known =
            store::card::lock_all(txn, &self.keys, corp, firsts.iter().map(|(_, _, card, _)| &card.task));
        let known: HashSet<TaskId> = known.await?.into_iter().map(|card| card.task).collect();
        firsts.retain(|(_, _, card, _)| !known.contains(&card.task));
        let owners: Vec<&WecomUserId> = firsts.iter().map(|(_, _, card, _)| &card.user).collect();
        let have_room = store::card_minute::count_each(txn, corp, minute_of(now), &owners, fits).await?;

        let people = firsts.iter().filter_map(|(_, lead, ..)| lead.person.as_ref());
        let names = store::person::names(txn, corp, people).await?;
        let mut claims: Vec<_> = wanted.iter().map(|_| None).collect();
        let mut cards = Vec::new();
        for ((place, lead, card, cause), has_room) in firsts.into_iter().zip(have_room) {
            if has_room {
                let name = lead.person.as_ref().and_then(|person| names.get(person));
                let words = words_of(lead, name.map(String::as_str));
                let card =
                    Card { progress: Progress::begun(now + LEASE), words: Some(words.clone()), ..card };
                cards.push(card.clone());
                claims[place] = Some(Claim::Call(ToTell { card, words, cause: cause.clone() }));
            }
        }
        store::card::add_all(txn, &self.keys, &cards).await?;
        Ok(claims)
    }

    /// Counts a message for a card of its own in its minute.
    async fn count_in(&self, txn: &Txn, key: &Key, minute: Minute) -> Result<(), DbErr> {
        let counted = Minute { sent: minute.sent + 1, ..minute };
        store::card_minute::save(txn, &self.keys, key, &counted).await
    }

    /// Counts a card that is left to the message of its minute; the first one has that message sent.
    async fn gather_in(&self, txn: &Txn, key: &Key, minute: Minute, cause: &Cause) -> Result<(), DbErr> {
        if minute.gathered == 0 {
            let event = CardsGathered {
                corp_id: key.corp.to_string(),
                user_id: key.user.as_str().to_owned(),
                minute: key.minute.timestamp(),
            };
            outbox::put(txn, key.corp, cause, &event).await?;
        }
        let more = Minute { gathered: minute.gathered + 1, ..minute };
        store::card_minute::save(txn, &self.keys, key, &more).await
    }

    /// Ends the cards of other assignments of the lead; those that members see shall say so.
    async fn supersede_others_in(&self, txn: &Txn, current: &Card, cause: &Cause) -> Result<(), DbErr> {
        for card in store::card::lock_current(txn, &self.keys, current.corp, current.lead).await? {
            // Whoever sends it looks again afterwards.
            if card.task == current.task || card.progress.state == State::Calling {
                continue;
            }
            let was_changing = card.change.is_some();
            let card = card.superseded(txn.now());
            store::card::save(txn, &self.keys, &card).await?;
            if card.change.is_some() && !was_changing {
                let event = CardSuperseded {
                    corp_id: card.corp.to_string(),
                    task_id: card.task.as_str().to_owned(),
                    lead_id: card.lead.to_string(),
                };
                outbox::put(txn, card.corp, cause, &event).await?;
            }
        }
        Ok(())
    }

    /// Sends a card.
    pub(crate) async fn tell(&self, to_tell: &ToTell) -> (Answer, Option<Sent>) {
        let card = &to_tell.card;
        let message = AppMessage {
            users: vec![card.user.clone()],
            content: Content::ButtonCard(card_of(card, to_tell.words.clone())),
            drop_repeats_for: Some(REPEATS_DROPPED),
        };
        sent(self.wecom.of(card.corp, None).send_message(&message).await)
    }

    /// Records at once what WeCom answered about cards that nothing has happened to since, and whose leads have the same
    /// owners; `None` for the others. All are of one enterprise.
    pub(crate) async fn record_cards_in(
        &self,
        txn: &Txn,
        calls: &[(&ToTell, &(Answer, Option<Sent>))],
    ) -> Result<Vec<Option<Next>>, DbErr> {
        let Some((ToTell { card: Card { corp, .. }, .. }, _)) = calls.first() else { return Ok(Vec::new()) };
        let (corp, now) = (*corp, txn.now());
        let claimed = calls.iter().map(|(to_tell, _)| &to_tell.card);
        let leads = store::lead::find_all(txn, corp, claimed.clone().map(|card| card.lead)).await?;
        let known = store::card::lock_all(txn, &self.keys, corp, claimed.map(|card| &card.task)).await?;
        let mut known: HashMap<TaskId, Card> =
            known.into_iter().map(|card| (card.task.clone(), card)).collect();
        let (mut nexts, mut cards) = (Vec::new(), Vec::new());
        for (ToTell { card: claimed, .. }, (answer, sent)) in calls {
            let current = leads.get(&claimed.lead).and_then(|lead| Card::wanted(lead, now));
            let is_current = current.is_none_or(|current| current.task == claimed.task);
            let card = known
                .remove(&claimed.task)
                .filter(|card| is_current && card.progress == claimed.progress && card.answered.is_none());
            nexts.push(card.map(|card| {
                let (after, again) = card.progress.answered(answer);
                cards.push(told(card, sent.as_ref(), now).settled(after, answer.problem(), now));
                again.map_or(Next::Done, Next::Retry)
            }));
        }
        store::card::save_all(txn, &self.keys, &cards).await?;
        Ok(nexts)
    }

    /// Records what WeCom answered.
    pub(crate) async fn record_card_in(
        &self,
        txn: &Txn,
        to_tell: &ToTell,
        (answer, sent): &(Answer, Option<Sent>),
    ) -> Result<Next, DbErr> {
        let (claimed, now) = (&to_tell.card, txn.now());
        let (corp, task) = (claimed.corp, &claimed.task);
        let (mut after, mut again) = claimed.progress.answered(answer);
        let card = told(claimed.clone(), sent.as_ref(), now).settled(after, answer.problem(), now);
        if !store::card::save_claimed(txn, &self.keys, claimed.progress, &card).await? {
            // It was answered meanwhile, or the lease was over, or this is recorded once more.
            let Some(card) = store::card::lock(txn, &self.keys, corp, task).await? else {
                return Ok(Next::Done);
            };
            let card = told(card, sent.as_ref(), now);
            if card.answered.is_some() {
                // Then it was sent, whatever we heard.
                store::card::save(txn, &self.keys, &card).await?;
                return Ok(Next::Done);
            }
            (after, again) = card.progress.answered(answer);
            let card = card.settled(after, answer.problem(), now);
            store::card::save(txn, &self.keys, &card).await?;
        }
        let lead = store::lead::find(txn, &Scope::everybody(corp), to_tell.card.lead).await?;
        let current = lead.and_then(|lead| Card::wanted(&lead, now));
        if let Some(current) = current.filter(|current| current.task != *task) {
            // Somebody else owns the lead by now, whose own event found this card being sent.
            self.supersede_others_in(txn, &current, &to_tell.cause).await?;
        }
        let state = after.state.as_str();
        tracing::info!(corp.id = %corp, card.state = state, "A card about a lead is {state}");
        Ok(again.map_or(Next::Done, Next::Retry))
    }
}

/// Notes what WeCom told of the message that it sent.
fn told(card: Card, sent: Option<&Sent>, now: Timestamp) -> Card {
    let Some(sent) = sent else { return card };
    let code = || Some(Code { text: sent.response_code.clone()?, until: now + CODE_LIFE });
    Card { message_id: sent.message_id.clone(), code: card.code.clone().or_else(code), ..card }
}

/// Returns what a card says: what it said before, or with the name as it is known by now.
async fn words_in(txn: &Txn, card: &Card, lead: &Lead) -> Result<Words, DbErr> {
    if let Some(words) = &card.words {
        return Ok(words.clone());
    }
    let name = match &lead.person {
        Some(person) => store::person::name(txn, lead.corp, person).await?,
        None => None,
    };
    Ok(words_of(lead, name.as_deref()))
}

/// Returns what the card of a lead says, with the name as WeCom or else the form told it.
fn words_of(lead: &Lead, name: Option<&str>) -> Words {
    let name = name.filter(|name| !name.is_empty());
    Words::of(lead, name.or(lead.name.as_deref()))
}

fn card_of(card: &Card, words: Words) -> ButtonCard {
    let line = |(name, value)| CardLine { name, value };
    let button = |button: Button| CardButton {
        text: button.text().to_owned(),
        style: if button == Button::Follow { ButtonStyle::Primary } else { ButtonStyle::Plain },
        key: button.key().to_owned(),
    };
    ButtonCard {
        task_id: card.task.as_str().to_owned(),
        title: words.title,
        text: Some(words.reason),
        lines: words.lines.into_iter().map(line).collect(),
        link: None,
        buttons: Button::ALL.into_iter().map(button).collect(),
    }
}

/// Returns what became of a message to a single member.
pub(super) fn sent(result: Result<Sent, CallError>) -> (Answer, Option<Sent>) {
    match result {
        Ok(sent) if !sent.invalid_users.is_empty() => {
            (Answer::Refused("WeCom cannot reach the member".to_owned()), None)
        }
        Ok(sent) if !sent.unlicensed_users.is_empty() => {
            (Answer::Refused("the member has no licence in WeCom".to_owned()), None)
        }
        Ok(sent) => (Answer::Sent, Some(sent)),
        Err(error) => (answer_of(&error), None),
    }
}

/// Returns what a failed call means for its repetition.
pub(super) fn answer_of(error: &CallError) -> Answer {
    let problem = error.to_string();
    match (error, error.errcode(), error.class()) {
        // A code that is used up or too old; the name of a card that WeCom has.
        (_, Some(60140 | 42014), _) => Answer::Spent(problem),
        // The enterprise works without WeCom: nobody is to blame, and no ladder helps.
        (CallError::Token(TokenError::NotConnected), ..) | (.., Class::Stop) => Answer::Refused(problem),
        (.., Class::Unclear) => Answer::Unclear(problem),
        (.., Class::Retry | Class::RefreshToken | Class::Wait | Class::Operator) => Answer::Later(problem),
    }
}
