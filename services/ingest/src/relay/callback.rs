//! Stored callbacks become events: here they are parsed, after they were answered.

use async_trait::async_trait;
use scrm_db::{Db, Fate, Resend, Source, Txn};
use scrm_kernel::time::from_millis;
use scrm_kernel::{CorpId, ExternalUserId, KeyRing, MessageId, Timestamp, WecomCorpId, WecomUserId};
use scrm_proto::wecom::v1::{
    CardClicked, ContactAdded, ContactRemoved, MemberRenamed, RemovedBy, TransferFailed,
};
use scrm_proto::{Envelope, Event};
use scrm_wecom::event::{self, App, Body, Book, Contact, DeleteSource, FailReason};
use sea_orm::DbErr;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::hint;
use super::suite::SuiteNews;
use crate::domain::look::{Urgency, Wanted};
use crate::domain::relation::{Pair, Standing, Told};
use crate::store;
use crate::store::callback::Taken;

/// Why a callback to an app belongs to nobody.
const OTHER_CORP: &str = "ToUserName or AuthCorpId names another enterprise than that of the app";

/// The table `callback` as the relay sees it.
pub(crate) struct Callbacks {
    db: Db,
    keys: KeyRing,
    /// What was looked up and never changes.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What WeCom calls enterprises. Once connected, one is called that for ever.
    names: HashMap<CorpId, WecomCorpId>,
    /// Whether an address is a suite's.
    suites: HashMap<String, bool>,
    /// The enterprise here and its app, by suite and by what WeCom calls the enterprise.
    places: HashMap<(String, String), Place>,
}

/// To whom a callback belongs: an enterprise, and as which of its apps it is spoken to.
#[derive(Clone)]
struct Place {
    corp: CorpId,
    app: String,
}

impl Callbacks {
    pub(crate) fn of(db: Db, keys: KeyRing) -> Self {
        Self { db, keys, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what WeCom calls an enterprise, if it is connected.
    async fn name(&self, corp: CorpId) -> Result<Option<WecomCorpId>, DbErr> {
        let known = self.known().names.get(&corp).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let name = store::corp::find(self.db.reader(), corp).await?.and_then(|corp| corp.wecom_id);
        if let Some(name) = &name {
            self.known().names.insert(corp, name.clone());
        }
        Ok(name)
    }

    /// Reports whether a callback came to a suite, and not to an app.
    async fn is_of_suite(&self, callback: &Taken) -> Result<bool, DbErr> {
        let known = self.known().suites.get(&callback.app).copied();
        if let Some(is_suite) = known {
            return Ok(is_suite);
        }
        let is_suite = store::address::is_suite(self.db.reader(), &callback.app).await?;
        self.known().suites.insert(callback.app.clone(), is_suite);
        Ok(is_suite)
    }

    /// Returns to whom an event belongs, or why to nobody.
    async fn place(&self, callback: &Taken, event: &event::Event) -> Result<Result<Place, String>, DbErr> {
        let here = Place { corp: callback.corp, app: callback.app.clone() };
        if !self.is_of_suite(callback).await? {
            let name = self.name(callback.corp).await?;
            let is_other = event.corp.as_deref().zip(name).is_some_and(|(told, name)| told != name.as_str());
            return Ok(if is_other { Err(OTHER_CORP.to_owned()) } else { Ok(here) });
        }
        let Some(corp) = event.corp.clone().filter(|_| !matches!(event.body, Body::Suite(_))) else {
            return Ok(Ok(here)); // It concerns the suite itself.
        };
        let key = (callback.app.clone(), corp);
        let known = self.known().places.get(&key).cloned();
        if let Some(place) = known {
            return Ok(Ok(place));
        }
        let found = store::authorization::place(self.db.reader(), &key.0, &key.1).await?;
        let Some((corp, app)) = found else { return Ok(Err(store::callback::NO_PLACE.to_owned())) };
        let place = Place { corp, app: app.as_str().to_owned() };
        self.known().places.insert(key, place.clone());
        Ok(Ok(place))
    }

    /// Parses a callback and turns it into what it tells.
    async fn read(&self, callback: Taken) -> Result<Read, DbErr> {
        let (seq, suite) = (callback.seq, callback.app.clone());
        let event = match parsed(&callback) {
            Ok(event) => event,
            Err(problem) => return Ok(Read { seq, lost: None, outcome: Err(problem) }),
        };
        let news_of_suite =
            if self.is_of_suite(&callback).await? { SuiteNews::of(&callback, &event) } else { None };
        Ok(match self.place(&callback, &event).await? {
            Ok(Place { corp, app }) => {
                let news = news(&Taken { corp, app, ..callback }, &event);
                Read { seq, lost: None, outcome: Ok(News { suite: news_of_suite, ..news }) }
            }
            Err(problem) => {
                let is_lost = problem == store::callback::NO_PLACE;
                let lost = event.corp.filter(|_| is_lost).map(|corp| (suite, corp));
                Read { seq, lost, outcome: Err(problem) }
            }
        })
    }
}

/// A callback that was taken and read.
pub(crate) struct Read {
    seq: i64,
    /// The suite that it came to, and the enterprise that it is about, if nobody knew that one when it was read.
    lost: Option<(String, String)>,
    outcome: Result<News, String>,
}

impl Read {
    /// Reports whether its enterprise has authorised the suite since it was read. If not, that waits for the end of the
    /// transaction.
    async fn has_place_now(&self, txn: &Txn) -> Result<bool, DbErr> {
        let Some((suite, corp)) = &self.lost else { return Ok(false) };
        store::suite::lock(txn, suite).await?;
        Ok(store::authorization::place(txn, suite, corp).await?.is_some())
    }
}

/// What a callback tells.
#[derive(Clone)]
struct News {
    /// What it is called.
    kind: &'static str,
    /// The event to publish, if any.
    envelope: Option<Envelope>,
    /// What is to be read from WeCom.
    looks: Vec<Wanted>,
    /// How a relation stands.
    relation: Option<Told>,
    /// The userid that a member had, and the one they have now.
    renamed: Option<(CorpId, WecomUserId, WecomUserId)>,
    /// What an enterprise or WeCom did with a suite.
    suite: Option<SuiteNews>,
}

#[async_trait]
impl Source for Callbacks {
    const TABLE: &'static str = store::callback::TABLE;
    type Row = Read;

    fn db(&self) -> &Db {
        &self.db
    }

    fn key(row: &Read) -> i64 {
        row.seq
    }

    async fn take(&self, most: u64, except: &[i64]) -> Result<Vec<Read>, DbErr> {
        let taken = store::callback::take(&self.db, &self.keys, most, except).await?;
        let mut rows = Vec::with_capacity(taken.len());
        for callback in taken {
            rows.push(self.read(callback).await?);
        }
        Ok(rows)
    }

    fn envelope(&self, row: &Read) -> Result<Option<Envelope>, String> {
        row.outcome.as_ref().map(|news| news.envelope.clone()).map_err(Clone::clone)
    }

    /// Marks the callbacks and wants what they hint at, at once: a crash loses neither.
    async fn settle(&self, fates: Vec<(Read, Fate)>) -> Result<(), DbErr> {
        let mut processed: HashMap<&'static str, Vec<i64>> = HashMap::new();
        let (mut kept, mut looks) = (Vec::new(), Vec::new());
        let (mut relations, mut renamed, mut suites) = (Vec::new(), Vec::new(), Vec::new());
        let txn = self.db.begin().await?;
        for (row, fate) in fates {
            if row.has_place_now(&txn).await? {
                kept.push(row.seq);
                txn.will_wake(store::callback::TABLE);
                continue;
            }
            match (fate, row.outcome) {
                (Fate::Kept, _) => kept.push(row.seq),
                (Fate::Refused(problem), _) | (_, Err(problem)) => {
                    store::callback::refused(&txn, row.seq, &problem).await?;
                    store::callback::bury(&txn, &self.keys, row.seq, &problem).await?;
                }
                (Fate::Published | Fate::Nothing, Ok(news)) => {
                    processed.entry(news.kind).or_default().push(row.seq);
                    looks.extend(news.looks);
                    relations.extend(news.relation);
                    renamed.extend(news.renamed);
                    suites.extend(news.suite);
                }
            }
        }
        store::relation::note(&txn, &relations).await?;
        for (corp, former, new) in &renamed {
            store::relation::rename(&txn, *corp, former, new).await?;
        }
        store::look::want(&txn, &looks).await?;
        for (corp, former, new) in &renamed {
            store::member::rename(&txn, *corp, former, new).await?;
        }
        for news in &suites {
            news.note(&txn, &self.keys).await?;
        }
        for (kind, seqs) in processed {
            store::callback::processed(&txn, kind, &seqs).await?;
        }
        store::callback::release(&txn, &kept).await?;
        txn.commit().await
    }
}

#[async_trait]
impl Resend for Callbacks {
    async fn resend(&self, corp: CorpId, window: &Range<Timestamp>) -> Result<u64, DbErr> {
        store::callback::resend(&self.db, corp, window).await
    }
}

fn parsed(callback: &Taken) -> Result<event::Event, String> {
    let body = callback.body.as_ref().map_err(Clone::clone)?;
    event::parse(body).map_err(|error| chain(&error))
}

/// Returns when it happened: by its own words, otherwise when it was signed.
pub(super) fn occurred_at(callback: &Taken, event: &event::Event) -> Timestamp {
    event.time.map_or(callback.signed_at, |seconds| from_millis(seconds.saturating_mul(1000)))
}

/// Turns an event into what it tells the enterprise and the app that it belongs to.
fn news(callback: &Taken, event: &event::Event) -> News {
    let occurred_at = occurred_at(callback, event);
    let envelope = published(callback, &event.body, occurred_at)
        .or_else(|| clicked(callback, event, occurred_at))
        .or_else(|| renamed(callback, &event.body, occurred_at));
    let look = |subject| Wanted {
        corp: callback.corp,
        app: Some(callback.app.clone()),
        subject,
        urgency: Urgency::Fresh,
    };
    let looks = hint::subjects(&event.body).into_iter().map(look).collect();
    News {
        kind: event.body.name(),
        envelope,
        looks,
        relation: standing(callback, &event.body, occurred_at),
        renamed: new_id(callback, &event.body),
        suite: None,
    }
}

/// Returns how a relation stands since then.
fn standing(callback: &Taken, body: &Body, occurred_at: Timestamp) -> Option<Told> {
    let Body::Contact(contact) = body else { return None };
    let (user, customer, standing) = match contact {
        Contact::Added { user_id, external_user_id, .. }
        | Contact::HalfAdded { user_id, external_user_id, .. } => {
            (user_id, external_user_id, Standing::Present)
        }
        Contact::DeletedByMember { user_id, external_user_id, .. }
        | Contact::DeletedByCustomer { user_id, external_user_id } => {
            (user_id, external_user_id, Standing::Gone)
        }
        _ => return None,
    };
    let pair = Pair { user: user.clone(), customer: customer.clone() };
    let is_half = matches!(contact, Contact::HalfAdded { .. });
    Some(Told { corp: callback.corp, pair, standing, is_half, occurred_at, received_seq: callback.seq })
}

/// Returns the userid that a member had, and the one they have now.
fn new_id(callback: &Taken, body: &Body) -> Option<(CorpId, WecomUserId, WecomUserId)> {
    let Body::Book(Book::MemberUpdated { user_id, new_user_id: Some(new), .. }) = body else { return None };
    Some((callback.corp, user_id.clone(), new.clone()))
}

/// Returns the event that tells of `body`; none for what no contract names yet.
fn published(callback: &Taken, body: &Body, occurred_at: Timestamp) -> Option<Envelope> {
    let Body::Contact(contact) = body else { return None };
    match contact {
        Contact::Added { user_id, external_user_id, state, welcome_code, .. } => {
            let added = added(callback, user_id, external_user_id, state.as_ref(), welcome_code.as_ref());
            Some(envelope(callback, occurred_at, &added))
        }
        Contact::HalfAdded { user_id, external_user_id, state, welcome_code } => {
            let added = added(callback, user_id, external_user_id, state.as_ref(), welcome_code.as_ref());
            Some(envelope(callback, occurred_at, &ContactAdded { half: true, ..added }))
        }
        Contact::DeletedByMember { user_id, external_user_id, source } => {
            let by = match source {
                Some(DeleteSource::Transfer) => RemovedBy::Transfer,
                _ => RemovedBy::Member,
            };
            Some(envelope(callback, occurred_at, &removed(callback, user_id, external_user_id, by)))
        }
        Contact::DeletedByCustomer { user_id, external_user_id } => {
            let removed = removed(callback, user_id, external_user_id, RemovedBy::Customer);
            Some(envelope(callback, occurred_at, &removed))
        }
        Contact::TransferFailed { user_id, external_user_id, reason } => {
            let failed = transfer_failed(callback, user_id, external_user_id, reason.as_ref());
            Some(envelope(callback, occurred_at, &failed))
        }
        _ => None,
    }
}

/// Returns the event of a pressed button. A card without a name is none of ours.
fn clicked(callback: &Taken, event: &event::Event, occurred_at: Timestamp) -> Option<Envelope> {
    let Body::App(App::CardClicked { key, task_id, response_code, .. }) = &event.body else { return None };
    let clicked = CardClicked {
        corp_id: callback.corp.to_string(),
        app: callback.app.clone(),
        user_id: event.member()?.as_str().to_owned(),
        task_id: task_id.clone().filter(|task_id| !task_id.is_empty())?,
        button_key: key.clone().unwrap_or_default(),
        response_code: response_code.clone(),
    };
    Some(envelope(callback, occurred_at, &clicked))
}

/// Returns the event of a member's new id: a fact that cannot be read afterwards.
fn renamed(callback: &Taken, body: &Body, occurred_at: Timestamp) -> Option<Envelope> {
    let (corp, former, new) = new_id(callback, body)?;
    let renamed = MemberRenamed {
        corp_id: corp.to_string(),
        user_id: new.as_str().to_owned(),
        former_user_id: former.as_str().to_owned(),
    };
    Some(envelope(callback, occurred_at, &renamed))
}

fn added(
    callback: &Taken,
    user_id: &WecomUserId,
    external_user_id: &ExternalUserId,
    state: Option<&String>,
    welcome_code: Option<&String>,
) -> ContactAdded {
    ContactAdded {
        corp_id: callback.corp.to_string(),
        app: callback.app.clone(),
        user_id: user_id.as_str().to_owned(),
        external_user_id: external_user_id.as_str().to_owned(),
        state: state.cloned().unwrap_or_default(),
        welcome_code: welcome_code.cloned().unwrap_or_default(),
        half: false,
    }
}

fn removed(
    callback: &Taken,
    user_id: &WecomUserId,
    external_user_id: &ExternalUserId,
    by: RemovedBy,
) -> ContactRemoved {
    ContactRemoved {
        corp_id: callback.corp.to_string(),
        app: callback.app.clone(),
        user_id: user_id.as_str().to_owned(),
        external_user_id: external_user_id.as_str().to_owned(),
        by: by.into(),
    }
}

fn transfer_failed(
    callback: &Taken,
    user_id: &WecomUserId,
    external_user_id: &ExternalUserId,
    reason: Option<&FailReason>,
) -> TransferFailed {
    let reason = match reason {
        Some(FailReason::CustomerRefused) => "customer_refused",
        Some(FailReason::LimitExceeded) => "customer_limit_exceed",
        Some(FailReason::Other(word)) => word,
        None => "",
    };
    TransferFailed {
        corp_id: callback.corp.to_string(),
        app: callback.app.clone(),
        user_id: user_id.as_str().to_owned(),
        external_user_id: external_user_id.as_str().to_owned(),
        reason: reason.to_owned(),
    }
}

fn envelope<E: Event>(callback: &Taken, occurred_at: Timestamp, event: &E) -> Envelope {
    let original = MessageId::of_hash(&callback.hash);
    Envelope {
        message_id: callback.replay_id.unwrap_or(original),
        kind: E::KIND.to_owned(),
        corp: callback.corp,
        key: event.key().to_owned(),
        occurred_at,
        received_at: Some(callback.received_at),
        received_seq: Some(callback.seq),
        traceparent: callback.traceparent.clone(),
        replay_of: callback.replay_id.map(|_| original),
        attempt: 0,
        body: event.encode_to_vec().into(),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
