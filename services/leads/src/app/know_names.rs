//! Waiting for the names of customers, which are read from WeCom a moment after they have come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::{CorpId, ExternalUserId};
use tokio::sync::oneshot;

use crate::store;

/// How often those that are waited for are looked up, all at once.
const LOOK: Duration = Duration::from_millis(25);
/// Names looked up by one statement.
const SOME: usize = 64;

/// The customers whose names somebody waits for.
///
/// While there are any, one task looks them up together: a hundred messages that wait ask the database no more often
/// than one does.
#[derive(Clone)]
pub(crate) struct Names {
    db: Db,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    people: HashMap<CorpId, HashMap<ExternalUserId, Vec<oneshot::Sender<String>>>>,
    /// Whether the task runs.
    is_looking: bool,
}

impl Names {
    /// Returns the names as `db` has them.
    pub(crate) fn of(db: Db) -> Self {
        Self { db, waiting: Arc::default() }
    }

    /// Returns a customer's name once it is known, or nothing when `patience` is over.
    pub(crate) async fn within(
        &self,
        patience: Duration,
        corp: CorpId,
        person: &ExternalUserId,
    ) -> Option<String> {
        let (tell, told) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting();
            waiting.people.entry(corp).or_default().entry(person.clone()).or_default().push(tell);
            !std::mem::replace(&mut waiting.is_looking, true)
        };
        if is_first {
            tokio::spawn(self.clone().look());
        }
        tokio::time::timeout(patience, told).await.ok()?.ok()
    }

    /// Looks until nobody waits any more.
    async fn look(self) {
        loop {
            for (corp, people) in self.wanted() {
                for some in people.chunks(SOME) {
                    match store::person::names(self.db.reader(), corp, some).await {
                        Ok(names) => self.tell(corp, names),
                        Err(error) => tracing::warn!(error = %error, "Cannot read names, trying again"),
                    }
                }
            }
            if self.is_done() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Returns who is waited for, without those whom everybody has given up.
    fn wanted(&self) -> Vec<(CorpId, Vec<ExternalUserId>)> {
        let mut waiting = self.waiting();
        waiting.people.retain(|_, people| {
            people.retain(|_, tells| {
                tells.retain(|tell| !tell.is_closed());
                !tells.is_empty()
            });
            !people.is_empty()
        });
        waiting.people.iter().map(|(corp, people)| (*corp, people.keys().cloned().collect())).collect()
    }

    fn tell(&self, corp: CorpId, names: HashMap<ExternalUserId, String>) {
        let mut waiting = self.waiting();
        let Some(people) = waiting.people.get_mut(&corp) else { return };
        for (person, name) in names {
            for tell in people.remove(&person).unwrap_or_default() {
                // Who has given up does not need it.
                tell.send(name.clone()).ok();
            }
        }
    }

    /// Ends the looking if nobody waits.
    fn is_done(&self) -> bool {
        let mut waiting = self.waiting();
        waiting.people.retain(|_, people| !people.is_empty());
        waiting.is_looking = !waiting.people.is_empty();
        !waiting.is_looking
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
