//! Relations that two complete listings did not have: WeCom is asked about each before it is told to be over.

use scrm_wecom::client::{CallError, Class};

use super::lost::tell_ended;
use super::{Broken, Reconciler, Walk};
use crate::app::reading::Reading;
use crate::domain::look::Subject;
use crate::domain::reconciliation::State;
use crate::domain::relation::{Pair, is_alarming};
use crate::store;

impl Reconciler {
    /// Settles one more relation that is gone; after the last one the comparison is done.
    pub(super) async fn gone(&self, walk: &mut Walk) -> Result<(), Broken> {
        let run = &walk.run;
        let (id, corp, listing_at) = (run.id, run.corp, run.listing_at.unwrap_or(run.started_at));
        // Nothing has been told in this step yet: otherwise fewer are gone than when it began.
        if !run.is_confirmed && run.counts.removed == 0 {
            let (gone, of) = store::relation::count_gone(self.db().reader(), corp, id, listing_at).await?;
            if is_alarming(gone, of) {
                return self.raise_alarm(walk, gone, of).await;
            }
        }
        let gone = store::relation::gone(self.db().reader(), corp, id, listing_at, 1).await?;
        match gone.first() {
            Some(pair) => self.ask_about(walk, pair).await,
            None => self.finish(walk).await,
        }
    }

    /// Reads the customer; unless the member is still among those who know it, the relation is over.
    async fn ask_about(&self, walk: &mut Walk, pair: &Pair) -> Result<(), Broken> {
        let (corp, began_at) = (walk.run.corp, self.db().clock().now());
        let reading = match self.reader.read(corp, None, &Subject::Customer(pair.customer.clone())).await {
            Ok(reading) => Some(reading),
            // Of this customer nothing can be learnt; nothing is told either.
            Err(CallError::Wecom { class: Class::Stop, .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let mut next = walk.run.clone();
        next.attempts = 0;
        let txn = self.db().begin().await?;
        if let Some(reading) = &reading {
            reading.tell(&txn, corp, began_at).await?;
        }
        let is_over = reading.is_some_and(|reading| !knows(&reading, pair));
        if is_over && store::relation::end(&txn, corp, pair, began_at).await? {
            tell_ended(&txn, corp, pair, began_at).await?;
            next.counts.removed += 1;
        } else {
            store::relation::keep(&txn, corp, next.id, pair).await?;
        }
        self.advance(txn, walk, next).await
    }

    async fn raise_alarm(&self, walk: &mut Walk, gone: u64, of: u64) -> Result<(), Broken> {
        let (txn, mut next) = (self.db().begin().await?, walk.run.clone());
        next.problem =
            Some(format!("{gone} of {of} relations would be gone at once: a person must confirm it"));
        next.finish(State::Alarm, txn.now());
        tracing::error!(
            reconciliation.id = %next.id, gone, of,
            "Too many relations would be gone at once: nothing is marked until a person confirms it"
        );
        self.advance(txn, walk, next).await
    }

    async fn finish(&self, walk: &mut Walk) -> Result<(), Broken> {
        let (txn, mut next) = (self.db().begin().await?, walk.run.clone());
        if next.is_confirmed {
            next.problem = None;
        }
        let state = if next.problem.is_none() { State::Done } else { State::Failed };
        next.finish(state, txn.now());
        tracing::info!(
            reconciliation.id = %next.id, added = next.counts.added, removed = next.counts.removed,
            "Compared everything with WeCom"
        );
        self.advance(txn, walk, next).await
    }
}

fn knows(reading: &Reading, pair: &Pair) -> bool {
    let Reading::Customer(customer) = reading else { return false };
    customer.followers.iter().any(|follower| follower.user_id.to_lowercase() == pair.user.folded())
}
