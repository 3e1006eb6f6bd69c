//! Stored callbacks become events: here they are parsed, after they were answered.

use async_trait::async_trait;
use scrm_db::{Db, Fate, Resend, Source};
use scrm_kernel::time::from_millis;
use scrm_kernel::{CorpId, ExternalUserId, KeyRing, MessageId, Timestamp, WecomUserId};
use scrm_proto::wecom::v1::{CardClicked, ContactAdded, ContactRemoved, RemovedBy};
use scrm_proto::{Envelope, Event};
use scrm_wecom::event::{self, App, Body, Contact, DeleteSource};
use sea_orm::DbErr;
use std::collections::HashMap;
use std::ops::Range;

use crate::store;
use crate::store::callback::Taken;

/// The table `callback` as the relay sees it.
pub(crate) struct Callbacks {
    pub(crate) db: Db,
    pub(crate) keys: KeyRing,
}

/// A callback that was taken and read.
pub(crate) struct Read {
    seq: i64,
    /// What it is called, and the event to publish, if any.
    outcome: Result<(&'static str, Option<Envelope>), String>,
}

#[async_trait]
impl Source for Callbacks {
    type Row = Read;

    fn db(&self) -> &Db {
        &self.db
    }

    async fn take(&self, most: u64) -> Result<Vec<Read>, DbErr> {
        let taken = store::callback::take(&self.db, &self.keys, most).await?;
        Ok(taken.iter().map(|callback| Read { seq: callback.seq, outcome: read(callback) }).collect())
    }

    fn envelope(&self, row: &Read) -> Result<Option<Envelope>, String> {
        row.outcome.clone().map(|(_, envelope)| envelope)
    }

    async fn settle(&self, fates: Vec<(Read, Fate)>) -> Result<(), DbErr> {
        let mut processed: HashMap<&'static str, Vec<i64>> = HashMap::new();
        let mut kept = Vec::new();
        for (row, fate) in fates {
            match (fate, row.outcome) {
                (Fate::Kept, _) => kept.push(row.seq),
                (Fate::Refused(problem), _) | (_, Err(problem)) => {
                    store::callback::refused(&self.db, row.seq, &problem).await?;
                }
                (Fate::Published | Fate::Nothing, Ok((kind, _))) => {
                    processed.entry(kind).or_default().push(row.seq);
                }
            }
        }
        for (kind, seqs) in processed {
            store::callback::processed(&self.db, kind, &seqs).await?;
        }
        store::callback::release(&self.db, &kept).await
    }
}

#[async_trait]
impl Resend for Callbacks {
    async fn resend(&self, corp: CorpId, window: &Range<Timestamp>) -> Result<u64, DbErr> {
        store::callback::resend(&self.db, corp, window).await
    }
}

/// Parses a callback and turns it into the event that is published, if any.
fn read(callback: &Taken) -> Result<(&'static str, Option<Envelope>), String> {
    let body = callback.body.as_ref().map_err(Clone::clone)?;
    let event = event::parse(body).map_err(|error| chain(&error))?;
    let occurred_at =
        event.time.map_or(callback.signed_at, |seconds| from_millis(seconds.saturating_mul(1000)));
    let envelope =
        published(callback, &event.body, occurred_at).or_else(|| clicked(callback, &event, occurred_at));
    Ok((event.body.name(), envelope))
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
        traceparent: None,
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
