//! Comparing everything that is known of an enterprise with what WeCom has, because callbacks get lost.
//!
//! It goes step by step. What a step finds is told in the transaction that saves how far it is, so that a process
//! that dies half way loses nothing and says nothing twice; another one goes on from there.

mod book;
mod customers;
mod gone;
mod lost;

use std::sync::Arc;
use std::time::Duration;

use scrm_db::{Db, Txn};
use scrm_kernel::{CorpId, Lifecycle, ReconciliationId, Timestamp, WecomUserId, crash};
use scrm_wecom::client::{CallError, Class, Speaker};
use sea_orm::DbErr;

use super::reader::{Reader, try_again_at};
use crate::domain::connection::Corp;
use crate::domain::reconciliation::{MOST_ATTEMPTS, Reconciliation, State, Step};
use crate::store;
use crate::store::reconciliation::LEASE;

/// Compares with WeCom, periodically and on request.
pub(crate) struct Reconciler {
    reader: Arc<Reader>,
}

/// A comparison in this process's hands.
struct Walk {
    /// As it was saved last.
    run: Reconciliation,
    /// Until when it is this process's.
    leased_until: Timestamp,
    /// When the enterprise was connected.
    connected_at: Timestamp,
    /// Departments of the step at hand, in order.
    departments: Option<Vec<i64>>,
    /// Members with customers of the step at hand, in order.
    members: Option<Vec<WecomUserId>>,
}

/// Why a part of a comparison did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    /// WeCom did not answer as needed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// It took so long that another process goes on with it.
    #[error("another process goes on with it")]
    Lost,
}

impl Reconciler {
    pub(crate) const fn new(reader: Arc<Reader>) -> Self {
        Self { reader }
    }

    /// Returns the database.
    pub(crate) fn db(&self) -> &Db {
        self.reader.db()
    }

    /// Takes back what a dead process left behind, where there is only one process.
    pub(crate) async fn take_back(&self) -> Result<(), DbErr> {
        if self.db().is_sqlite() {
            store::reconciliation::take_back(self.db().writer(), self.db().clock().now()).await?;
        }
        Ok(())
    }

    /// Begins a comparison of every connected enterprise whose last one began `every` ago, or that had none.
    pub(crate) async fn begin_due(&self, every: Duration) -> Result<(), DbErr> {
        let now = self.db().clock().now();
        for corp in store::corp::all(self.db().reader()).await? {
            let last = store::reconciliation::newest(self.db().reader(), corp.id).await?;
            let is_due = last.is_none_or(|last| last.started_at + every <= now);
            if corp.connected_at.is_some() && is_due {
                let run = Reconciliation::new(ReconciliationId::mint(now), corp.id, now);
                store::reconciliation::insert(self.db().writer(), &run).await?;
            }
        }
        Ok(())
    }

    /// Goes on with one comparison until it ends, must wait, or the process stops; `false` when there is none.
    pub(crate) async fn go_on(&self, lifecycle: &Lifecycle) -> Result<bool, DbErr> {
        let Some((run, leased_until)) = store::reconciliation::take(self.db()).await? else {
            return Ok(false);
        };
        let corp = store::corp::find(self.db().reader(), run.corp).await?;
        let connected_at = corp.and_then(|corp: Corp| corp.connected_at).unwrap_or(run.started_at);
        let mut walk = Walk { run, leased_until, connected_at, departments: None, members: None };
        match self.walk(&mut walk, lifecycle).await {
            Ok(()) => {}
            Err(Broken::Call(error)) => self.note_failure(&mut walk, &error).await?,
            Err(Broken::Database(error)) => return Err(error),
            Err(Broken::Lost) => tracing::warn!("Another process goes on with a comparison"),
        }
        Ok(true)
    }

    async fn walk(&self, walk: &mut Walk, lifecycle: &Lifecycle) -> Result<(), Broken> {
        while walk.run.state == State::Running {
            if lifecycle.is_stopping() {
                let (txn, next) = (self.db().begin().await?, walk.run.clone());
                let now = txn.now();
                return self.save(txn, walk, next, Some(now)).await;
            }
            match walk.run.step {
                Step::Departments => self.departments(walk).await?,
                Step::Members => self.members(walk).await?,
                Step::Tags => return self.tags(walk).await,
                Step::Customers => self.customers(walk).await?,
                Step::Gone => self.gone(walk).await?,
            }
        }
        Ok(())
    }

    /// Lets a comparison wait after a failure that may pass, or end.
    async fn note_failure(&self, walk: &mut Walk, error: &CallError) -> Result<(), DbErr> {
        let (txn, mut next) = (self.db().begin().await?, walk.run.clone());
        let now = txn.now();
        next.attempts += 1;
        let may_pass = !matches!(error.class(), Class::Stop | Class::Operator);
        let due_at = if may_pass && next.attempts < MOST_ATTEMPTS {
            Some(try_again_at(error, next.attempts, now))
        } else {
            next.skip(&error.to_string(), walk.run.step);
            next.finish(State::Failed, now);
            None
        };
        tracing::warn!(
            reconciliation.id = %next.id, step = next.step.as_str(), error = %error, "A comparison with WeCom broke off"
        );
        match self.save(txn, walk, next, due_at).await {
            Err(Broken::Database(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Saves what was told together with how far the comparison is, and keeps it.
    async fn advance(&self, txn: Txn, walk: &mut Walk, next: Reconciliation) -> Result<(), Broken> {
        let due_at = (next.state == State::Running).then(|| txn.now() + LEASE);
        self.save(txn, walk, next, due_at).await
    }

    async fn save(
        &self,
        txn: Txn,
        walk: &mut Walk,
        next: Reconciliation,
        due_at: Option<Timestamp>,
    ) -> Result<(), Broken> {
        if !store::reconciliation::save(&txn, &next, walk.leased_until, due_at).await? {
            return Err(Broken::Lost);
        }
        crash::point("reconciliation.told");
        txn.commit().await?;
        crash::point("reconciliation.saved");
        walk.leased_until = due_at.unwrap_or(walk.leased_until);
        walk.run = next;
        Ok(())
    }

    /// Skips the step at hand when WeCom does not allow it; what may pass is an error.
    async fn skip_or_fail(&self, walk: &mut Walk, error: CallError, to: Step) -> Result<(), Broken> {
        if !is_refused(&error) {
            return Err(error.into());
        }
        let mut next = walk.run.clone();
        next.skip(&error.to_string(), to);
        let txn = self.db().begin().await?;
        self.advance(txn, walk, next).await
    }

    fn speaker(&self, corp: CorpId) -> Speaker {
        self.reader.wecom.of(corp, None)
    }
}

/// Reports whether WeCom does not allow a call, be it that a person may change that.
fn is_refused(error: &CallError) -> bool {
    matches!(error, CallError::Wecom { class: Class::Stop | Class::Operator, .. })
}

#[cfg(test)]
mod tests;
