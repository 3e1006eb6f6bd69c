//! Greeting a new contact inside WeCom's 20 seconds, once per relation.

use std::time::Duration;

use scrm_db::Txn;
use scrm_kernel::{CorpId, ExternalUserId, Timestamp, WecomUserId};
use scrm_mq::{Claim, Next};
use sea_orm::DbErr;
use secrecy::SecretString;

use super::App;
use crate::domain::greeting::{Greeting, Names, Variable};
use crate::domain::lead::{Claim as LeadClaim, Contact};
use crate::domain::relation::FIRST;
use crate::domain::welcome::{Answer, Progress, Turn};
use crate::store;
use crate::store::welcome::{Code, Key};

/// How long a welcome code is good, from the event on (WeCom document 92599).
const WINDOW: Duration = Duration::from_secs(20);
/// How long one call may take, with its waiting for the name.
const LEASE: Duration = Duration::from_secs(15);
/// How long to wait for somebody else's call.
const BUSY: Duration = Duration::from_millis(500);
/// How long the message waits for the customer's name, from its claim on.
const NAME_PATIENCE: Duration = Duration::from_secs(2);

/// A welcome message that is this process's to send.
pub(crate) struct ToGreet {
    key: Key,
    /// As this process claimed it.
    claimed: Progress,
    code: Code,
    greeting: Greeting,
    /// Of the member who greets, if it is known and has a place in the words.
    staff_name: Option<String>,
    /// Until when it waits for the customer's name.
    name_until: Timestamp,
}

impl App {
    /// Claims the welcome message of a new contact, if there is one to send.
    pub(crate) async fn claim_welcome_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        contact: &Contact,
        app: &str,
        code: SecretString,
    ) -> Result<Claim<ToGreet>, DbErr> {
        let relation = store::relation::change(txn, corp, &contact.member, &contact.person, |relation| {
            relation.added(contact.claim)
        });
        let number = relation.await?.number;
        let channel = contact.channel.as_deref().unwrap_or(store::greeting::DEFAULT);
        let Some(greeting) = store::greeting::for_channel(txn, corp, channel).await? else {
            return Ok(Claim::Nothing);
        };
        let key = Key { corp, member: contact.member.clone(), person: contact.person.clone(), number };
        let code = Code { app: app.to_owned(), text: code, ends_at: contact.received_at + WINDOW };
        let now = txn.now();
        let name_until = now + NAME_PATIENCE;
        let staff_name = if greeting.text.wants(Variable::Staff) {
            store::staff::name(txn, corp, &key.member).await?
        } else {
            None
        };

        let begun = Progress::begun(now, now + LEASE, code.ends_at);
        if store::welcome::add(txn, &self.keys, &key, &code, begun).await? {
            let to_greet = ToGreet { key, claimed: begun, code, greeting, staff_name, name_until };
            let is_over = begun.state.is_final();
            return Ok(if is_over { Claim::Nothing } else { Claim::Call(to_greet) });
        }
        let (progress, kept, is_same) = store::welcome::lock(txn, &self.keys, &key, &code).await?;
        match progress.turn(now, now + LEASE, code.ends_at, is_same) {
            // It is soon over, and this event may bring the better code.
            Turn::Busy(until) => Ok(Claim::Busy { until: until.min(now + BUSY) }),
            Turn::Nothing(after) => {
                if after != progress {
                    store::welcome::save(txn, &self.keys, &key, after, None, None).await?;
                }
                Ok(Claim::Nothing)
            }
            Turn::Call(after) => {
                store::welcome::save(txn, &self.keys, &key, after, None, None).await?;
                Ok(Claim::Call(ToGreet { key, claimed: after, code: kept, greeting, staff_name, name_until }))
            }
            Turn::CallAnew(after) => {
                store::welcome::save(txn, &self.keys, &key, after, Some(&code), None).await?;
                Ok(Claim::Call(ToGreet { key, claimed: after, code, greeting, staff_name, name_until }))
            }
        }
    }

    /// Claims at once the welcome messages of contacts of whose relations nobody has heard before; `None` for the others.
    /// Each customer is another one.
    pub(crate) async fn claim_welcomes_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        due: Vec<(Contact, String, SecretString)>,
    ) -> Result<Vec<Option<Claim<ToGreet>>>, DbErr> {
        let now = txn.now();
        let pairs = due.iter().map(|(contact, ..)| (&contact.member, &contact.person, contact.claim));
        let are_new = store::relation::add_each(txn, corp, &pairs.collect::<Vec<_>>()).await?;
        let channels = due.iter().filter_map(|(contact, ..)| contact.channel.as_deref());
        let greetings = store::greeting::for_channels(txn, corp, channels).await?;
        let greeting_of = |contact: &Contact| {
            let own = contact.channel.as_deref().and_then(|channel| greetings.get(channel));
            own.or_else(|| greetings.get(store::greeting::DEFAULT))
        };
        let wants_staff =
            |contact: &&Contact| greeting_of(contact).is_some_and(|it| it.text.wants(Variable::Staff));
        let named = due.iter().map(|(contact, ..)| contact).filter(wants_staff);
        let staff = store::staff::known(txn, corp, named.map(|contact| contact.member.folded())).await?;

        let (mut claims, mut messages) = (Vec::new(), Vec::new());
        for ((contact, app, text), is_new) in due.into_iter().zip(are_new) {
            let greeting = greeting_of(&contact).cloned();
            let claim = match greeting {
                _ if !is_new => None,
                None => Some(Claim::Nothing),
                Some(greeting) => {
                    let member = contact.member;
                    let staff_name = staff.get(&member.folded()).and_then(|known| known.name.clone());
                    let code = Code { app, text, ends_at: contact.received_at + WINDOW };
                    let key = Key { corp, member, person: contact.person, number: FIRST };
                    let claimed = Progress::begun(now, now + LEASE, code.ends_at);
                    messages.push((key.clone(), code.clone(), claimed));
                    let is_over = claimed.state.is_final();
                    let name_until = now + NAME_PATIENCE;
                    let to_greet = ToGreet { key, claimed, code, greeting, staff_name, name_until };
                    Some(if is_over { Claim::Nothing } else { Claim::Call(to_greet) })
                }
            };
            claims.push(claim);
        }
        store::welcome::add_all(txn, &self.keys, &messages).await?;
        Ok(claims)
    }

    /// Sends a welcome message.
    pub(crate) async fn greet(&self, to_greet: &ToGreet) -> Answer {
        let ToGreet { key, code, greeting, staff_name, name_until, .. } = to_greet;
        let name = async {
            let is_wanted = greeting.text.wants(Variable::Customer);
            let end = self.db.clock().sleep_until(*name_until);
            if is_wanted { self.names.before(end, key.corp, &key.person).await } else { None }
        };
        let attached = self.attached(key.corp, &code.app, &greeting.attachments);
        let (name, attached) = tokio::join!(name, attached);
        let names = Names { customer: name.as_deref(), staff: staff_name.as_deref() };
        self.say(key.corp, code, greeting.text.fill(names), attached, &greeting.attachments).await
    }

    /// Records at once what WeCom answered about messages that nothing has happened to since; `None` for the others.
    pub(crate) async fn record_welcomes_in(
        &self,
        txn: &Txn,
        calls: &[(&ToGreet, &Answer)],
    ) -> Result<Vec<Option<Next>>, DbErr> {
        let now = txn.now();
        let answered = calls.iter().map(|(to_greet, answer)| {
            let (after, _) = to_greet.claimed.answered(answer, now);
            (&to_greet.key, to_greet.claimed, after, problem_of(answer))
        });
        let are_saved = store::welcome::save_each_claimed(txn, answered.collect()).await?;
        let next = |((to_greet, answer), is_saved): (&(&ToGreet, &Answer), bool)| {
            let (_, again) = to_greet.claimed.answered(answer, now);
            is_saved.then(|| again.map_or(Next::Done, Next::Retry))
        };
        Ok(calls.iter().zip(are_saved).map(next).collect())
    }

    /// Records what WeCom answered.
    pub(crate) async fn record_welcome_in(
        &self,
        txn: &Txn,
        to_greet: &ToGreet,
        answer: &Answer,
    ) -> Result<Next, DbErr> {
        let (key, claimed) = (&to_greet.key, to_greet.claimed);
        let problem = problem_of(answer);
        let (mut after, mut again) = claimed.answered(answer, txn.now());
        if !store::welcome::save_claimed(txn, key, claimed, after, problem.as_deref()).await? {
            // The lease was over, or this is recorded once more: what counts is how far it is by now.
            let Some(progress) = store::welcome::lock_again(txn, key).await? else { return Ok(Next::Done) };
            (after, again) = progress.answered(answer, txn.now());
            store::welcome::save(txn, &self.keys, key, after, None, problem).await?;
        }
        let state = after.state.as_str();
        tracing::info!(corp.id = %key.corp, welcome.state = state, "A welcome message is {state}");
        Ok(again.map_or(Next::Done, Next::Retry))
    }

    /// Notes that a member and a customer have parted.
    pub(crate) async fn end_relation_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        member: &WecomUserId,
        person: &ExternalUserId,
        claim: LeadClaim,
    ) -> Result<(), DbErr> {
        store::relation::change(txn, corp, member, person, |relation| relation.removed(claim)).await?;
        Ok(())
    }

    /// Notes the names of customers as they were read from WeCom, each of another one, and when.
    pub(crate) async fn note_people_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        names: &[(ExternalUserId, String, Timestamp)],
    ) -> Result<(), DbErr> {
        txn.will_wake(store::person::TABLE);
        store::person::note_all(txn, corp, names).await
    }
}

/// Returns what went wrong, as leads show it.
fn problem_of(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Sent => None,
        Answer::Started => Some("WeCom: the chat has begun (41051)".to_owned()),
        Answer::BadCode => Some("WeCom: the code is over (41050)".to_owned()),
        Answer::SentWithout(problem)
        | Answer::Later(problem)
        | Answer::Unclear(problem)
        | Answer::Refused(problem) => Some(problem.clone()),
    }
}
