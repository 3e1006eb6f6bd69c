//! Stored callbacks become events: here they are parsed, after they were answered.

use async_trait::async_trait;
use prost::Message as _;
use scrm_db::{Db, Fate, Source};
use scrm_kernel::time::from_millis;
use scrm_kernel::{KeyRing, MessageId};
use scrm_proto::{Envelope, Event as _, wecom::v1::ContactAdded};
use scrm_wecom::event::{self, Body, Contact};
use sea_orm::DbErr;
use std::collections::HashMap;

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
        if !kept.is_empty() && !self.db.is_sqlite() {
            store::callback::release(&self.db, &kept).await?;
        }
        Ok(())
    }
}

/// Parses a callback and turns it into the event that is published, if any.
fn read(callback: &Taken) -> Result<(&'static str, Option<Envelope>), String> {
    let body = callback.body.as_ref().map_err(Clone::clone)?;
    let event = event::parse(body).map_err(|error| chain(&error))?;
    let kind = event.body.name();
    let Some((key, body)) = published(callback, &event.body) else { return Ok((kind, None)) };
    let occurred_at =
        event.time.map_or(callback.signed_at, |seconds| from_millis(seconds.saturating_mul(1000)));
    let envelope = Envelope {
        message_id: MessageId::of_hash(&callback.hash),
        kind: ContactAdded::KIND.to_owned(),
        corp: callback.corp,
        key,
        occurred_at,
        received_at: Some(callback.received_at),
        received_seq: Some(callback.seq),
        traceparent: None,
        replay_of: None,
        attempt: 0,
        body: body.into(),
    };
    Ok((kind, Some(envelope)))
}

/// Returns key and body of the event that tells of `body`; none for what no contract names yet.
fn published(callback: &Taken, body: &Body) -> Option<(String, Vec<u8>)> {
    let (half, user_id, external_user_id, state, welcome_code) = match body {
        Body::Contact(Contact::Added { user_id, external_user_id, state, welcome_code, .. }) => {
            (false, user_id, external_user_id, state, welcome_code)
        }
        Body::Contact(Contact::HalfAdded { user_id, external_user_id, state, welcome_code }) => {
            (true, user_id, external_user_id, state, welcome_code)
        }
        _ => return None,
    };
    let event = ContactAdded {
        corp_id: callback.corp.to_string(),
        app: callback.app.clone(),
        user_id: user_id.as_str().to_owned(),
        external_user_id: external_user_id.as_str().to_owned(),
        state: state.clone().unwrap_or_default(),
        welcome_code: welcome_code.clone().unwrap_or_default(),
        half,
    };
    Some((event.external_user_id.clone(), event.encode_to_vec()))
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
