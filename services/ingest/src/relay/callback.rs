//! Stored callbacks become events: here they are parsed, after they were answered.

use async_trait::async_trait;
use scrm_db::{Db, Fate, Resend, Source};
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
use std::sync::{Mutex, PoisonError};

use super::hint;
use crate::domain::look::{Urgency, Wanted};
use crate::domain::relation::{Pair, Standing, Told};
use crate::store;
use crate::store::callback::Taken;

/// The table `callback` as the relay sees it.
pub(crate) struct Callbacks {
    db: Db,
    keys: KeyRing,
    /// What WeCom calls enterprises. Once connected, one is called that for ever.
    names: Mutex<HashMap<CorpId, WecomCorpId>>,
}

impl Callbacks {
    pub(crate) fn of(db: Db, keys: KeyRing) -> Self {
        Self { db, keys, names: Mutex::default() }
    }

    /// Returns what WeCom calls an enterprise, if it is connected.
    async fn name(&self, corp: CorpId) -> Result<Option<WecomCorpId>, DbErr> {
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&corp).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let name = store::corp::find(self.db.reader(), corp).await?.and_then(|corp| corp.wecom_id);
        if let Some(name) = &name {
            self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(corp, name.clone());
        }
        Ok(name)
    }
}

/// A callback that was taken and read.
pub(crate) struct Read {
    seq: i64,
    outcome: Result<News, String>,
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
        for callback in &taken {
            let name = self.name(callback.corp).await?;
            rows.push(Read { seq: callback.seq, outcome: read(callback, name.as_ref()) });
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
        let (mut relations, mut renamed) = (Vec::new(), Vec::new());
        let txn = self.db.begin().await?;
        for (row, fate) in fates {
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

/// Parses a callback and turns it into what it tells. `name` is what WeCom calls the enterprise of its app.
fn read(callback: &Taken, name: Option<&WecomCorpId>) -> Result<News, String> {
    let body = callback.body.as_ref().map_err(Clone::clone)?;
    let event = event::parse(body).map_err(|error| chain(&error))?;
    if event.corp.as_deref().zip(name).is_some_and(|(told, name)| told != name.as_str()) {
        return Err("ToUserName or AuthCorpId names another enterprise than that of the app".to_owned());
    }
    let occurred_at =
        event.time.map_or(callback.signed_at, |seconds| from_millis(seconds.saturating_mul(1000)));
    let envelope = published(callback, &event.body, occurred_at)
        .or_else(|| clicked(callback, &event, occurred_at))
        .or_else(|| renamed(callback, &event.body, occurred_at));
    let look = |subject| Wanted {
        corp: callback.corp,
        app: Some(callback.app.clone()),
        subject,
        urgency: Urgency::Fresh,
    };
    let looks = hint::subjects(&event.body).into_iter().map(look).collect();
    let relation = standing(callback, &event.body, occurred_at);
    Ok(News { kind: event.body.name(), envelope, looks, relation, renamed: new_id(callback, &event.body) })
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
