//! Waiting for the names of customers, which are read from WeCom a moment after they have come.

use std::collections::HashMap;
use std::future::pending;
use std::mem::replace;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::{CorpId, ExternalUserId, Pace};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::store;

/// How often names are looked up at most, those of all who wait for one at once.
const LOOK: Duration = Duration::from_millis(25);
/// How often those are looked up again that were not known: another process may have noted them.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Names looked up by one statement.
const SOME: usize = 64;

/// The customers whose names somebody waits for.
///
/// While there are any, one task looks them up together, at first and when names were noted: a hundred messages that wait
/// ask the database no more often than one does.
#[derive(Clone)]
pub(crate) struct Names {
    db: Db,
    waiting: Arc<Mutex<Waiting>>,
    /// Wakes the task when somebody else is waited for.
    more: Arc<Notify>,
}

#[derive(Default)]
struct Waiting {
    people: HashMap<CorpId, HashMap<ExternalUserId, Awaited>>,
    /// Whether the task runs.
    is_looking: bool,
}

#[derive(Default)]
struct Awaited {
    by: Vec<oneshot::Sender<String>>,
    was_looked_up: bool,
}

impl Names {
    /// Returns the names as `db` has them.
    pub(crate) fn of(db: Db) -> Self {
        Self { db, waiting: Arc::default(), more: Arc::default() }
    }

    /// Returns a customer's name once it is known, or nothing when `end` has come.
    pub(crate) async fn before(
        &self,
        end: impl Future<Output = ()>,
        corp: CorpId,
        person: &ExternalUserId,
    ) -> Option<String> {
        let (tell, told) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting();
            let awaited = waiting.people.entry(corp).or_default().entry(person.clone()).or_default();
            awaited.by.push(tell);
            awaited.was_looked_up = false;
            !replace(&mut waiting.is_looking, true)
        };
        if is_first {
            tokio::spawn(self.clone().look());
        }
        self.more.notify_one();
        tokio::select! {
            biased;
            name = told => name.ok(),
            () = end => None,
        }
    }

    /// Looks until nobody waits any more.
    async fn look(self) {
        let mut wakings = self.db.wakings(store::person::TABLE);
        let (mut pace, mut again) = (Pace::every(LOOK), Instant::now() + LOOK_AGAIN);
        let mut are_all = false;
        loop {
            pace.turn(pending()).await;
            // Fails only when the database is closed.
            are_all |= wakings.has_changed().unwrap_or_default();
            wakings.borrow_and_update();
            if are_all {
                again = Instant::now() + LOOK_AGAIN;
            }
            for (corp, people) in self.wanted(are_all) {
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
            are_all = tokio::select! {
                _ = wakings.changed() => true,
                () = self.more.notified() => false,
                () = tokio::time::sleep_until(again) => true,
            };
        }
    }

    /// Returns who is to be looked up: those who are new, or all, without those whom everybody has given up.
    fn wanted(&self, are_all: bool) -> Vec<(CorpId, Vec<ExternalUserId>)> {
        let mut waiting = self.waiting();
        waiting.people.retain(|_, people| {
            people.retain(|_, awaited| {
                awaited.by.retain(|tell| !tell.is_closed());
                !awaited.by.is_empty()
            });
            !people.is_empty()
        });
        let wanted = |(corp, people): (&CorpId, &mut HashMap<ExternalUserId, Awaited>)| {
            let wanted = people.iter_mut().filter_map(|(person, awaited)| {
                let was_looked_up = replace(&mut awaited.was_looked_up, true);
                (are_all || !was_looked_up).then(|| person.clone())
            });
            (*corp, wanted.collect())
        };
        waiting.people.iter_mut().map(wanted).collect()
    }

    fn tell(&self, corp: CorpId, names: HashMap<ExternalUserId, String>) {
        let mut waiting = self.waiting();
        let Some(people) = waiting.people.get_mut(&corp) else { return };
        for (person, name) in names {
            for tell in people.remove(&person).unwrap_or_default().by {
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
