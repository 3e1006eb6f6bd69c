//! Stored callbacks become events: here they are parsed, after they were answered.

mod news;
mod place;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Db, Fate, Resend, Source, Txn};
use scrm_kernel::{CorpId, KeyRing, Timestamp};
use scrm_proto::Envelope;
use scrm_wecom::event;
use sea_orm::DbErr;

pub(super) use self::news::occurred_at;
use self::news::{News, news};
use self::place::{Place, Places};
use super::suite::SuiteNews;
use crate::domain::callback::DoorKey;
use crate::store;
use crate::store::callback::{Taken, Unkeyed};

/// The table `callback` as the relay sees it.
pub(crate) struct Callbacks {
    db: Db,
    keys: KeyRing,
    places: Places,
    unkeyed: Arc<Unkeyed>,
}

impl Callbacks {
    pub(crate) fn of(db: Db, keys: KeyRing, unkeyed: Arc<Unkeyed>) -> Self {
        Self { places: Places::in_db(db.clone()), db, keys, unkeyed }
    }

    /// Parses a callback and turns it into what it tells.
    async fn read(&self, callback: Taken) -> Result<Read, DbErr> {
        let (seq, unkeyed, suite) = (callback.seq, callback.unkeyed, callback.app.clone());
        let event = match parsed(&callback) {
            Ok(event) => event,
            Err(problem) => return Ok(Read { seq, unkeyed, lost: None, outcome: Err(problem) }),
        };
        let news_of_suite =
            if self.places.is_of_suite(&callback).await? { SuiteNews::of(&callback, &event) } else { None };
        Ok(match self.places.of(&callback, &event).await? {
            Ok(Place { corp, app }) => {
                let news = news(&Taken { corp, app, ..callback }, &event);
                Read { seq, unkeyed, lost: None, outcome: Ok(News { suite: news_of_suite, ..news }) }
            }
            Err(problem) => {
                let is_lost = problem == store::callback::NO_PLACE;
                let lost = event.corp.filter(|_| is_lost).map(|corp| (suite, corp));
                Read { seq, unkeyed, lost, outcome: Err(problem) }
            }
        })
    }
}

/// A callback that was taken and read.
pub(crate) struct Read {
    seq: i64,
    /// Its key, if that is not in the index yet.
    unkeyed: Option<DoorKey>,
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

    /// Marks the callbacks, gives them their keys and wants what they hint at, at once: a crash loses nothing of it.
    async fn settle(&self, fates: Vec<(Read, Fate)>) -> Result<(), DbErr> {
        let mut processed: HashMap<&'static str, Vec<i64>> = HashMap::new();
        let (mut kept, mut keyed, mut looks) = (Vec::new(), Vec::new(), Vec::new());
        let (mut relations, mut renamed, mut suites) = (Vec::new(), Vec::new(), Vec::new());
        let txn = self.db.begin().await?;
        for (row, fate) in fates {
            if row.has_place_now(&txn).await? {
                kept.push(row.seq);
                txn.will_wake(store::callback::TABLE);
                continue;
            }
            if !matches!(fate, Fate::Kept) {
                keyed.extend(row.unkeyed.map(|key| (row.seq, key)));
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
        store::callback::give_keys(&txn, &keyed).await?;
        store::callback::release(&txn, &kept).await?;
        txn.commit().await?;
        self.unkeyed.keyed(keyed.into_iter().map(|(_, key)| key));
        Ok(())
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

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
