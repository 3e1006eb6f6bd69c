//! Comparing everything that is known of an enterprise with what WeCom has, because callbacks get lost.
//!
//! It goes step by step. What a step finds is told in the transaction that saves how far it is, so that a process
//! that dies half way loses nothing and says nothing twice; another one goes on from there.

mod book;
mod customers;
mod gone;
mod lost;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrm_db::{Db, Txn};
use scrm_kernel::{CorpId, Lifecycle, ReconciliationId, Timestamp, WecomUserId, crash};
use scrm_wecom::client::{CallError, Class, Speaker};
use sea_orm::DbErr;

use super::reader::{Reader, try_again_at};
use crate::domain::connection::Corp;
use crate::domain::look::pause_after;
use crate::domain::reconciliation::{MOST_ATTEMPTS, Reconciliation, State, Step};
use crate::store;
use crate::store::reconciliation::LEASE;

/// Compares with WeCom, periodically and on request.
pub(crate) struct Reconciler {
    reader: Arc<Reader>,
    /// What broke off and is not noted yet, because the database failed.
    left: Mutex<Option<Left>>,
}

/// A comparison that broke off, as it is to be saved: then somebody may take it.
struct Left {
    run: Reconciliation,
    /// Until when it is this process's.
    leased_until: Timestamp,
    /// When it may be taken; none when it has ended.
    due_at: Option<Timestamp>,
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
        Self { reader, left: Mutex::new(None) }
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
    ///
    /// An error means that the database failed, and what was in hand may not be given back yet: the next time it is.
    pub(crate) async fn go_on(&self, lifecycle: &Lifecycle) -> Result<bool, DbErr> {
        self.give_back().await?;
        let Some((run, leased_until)) = store::reconciliation::take(self.db()).await? else {
            return Ok(false);
        };
        let connected_at = run.started_at;
        let mut walk = Walk { run, leased_until, connected_at, departments: None, members: None };
        match self.walk(&mut walk, lifecycle).await {
            Ok(()) => {}
            Err(Broken::Lost) => tracing::warn!("Another process goes on with a comparison"),
            Err(broken) => {
                self.leave(walk, &broken);
                self.give_back().await?;
            }
        }
        Ok(true)
    }

    async fn walk(&self, walk: &mut Walk, lifecycle: &Lifecycle) -> Result<(), Broken> {
        let corp = store::corp::find(self.db().reader(), walk.run.corp).await?;
        if let Some(connected_at) = corp.and_then(|corp: Corp| corp.connected_at) {
            walk.connected_at = connected_at;
        }
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

    /// Lets a comparison wait after a failure that may pass, or end; it is still to be given back.
    fn leave(&self, walk: Walk, broken: &Broken) {
        let Walk { mut run, leased_until, .. } = walk;
        let now = self.db().clock().now();
        run.attempts += 1;
        let (again, problem) = match broken {
            Broken::Call(error) if matches!(error.class(), Class::Stop | Class::Operator) => {
                (None, error.to_string())
            }
            Broken::Call(error) => (Some(try_again_at(error, run.attempts, now)), error.to_string()),
            Broken::Database(_) | Broken::Lost => {
                let pause = if run.attempts == 1 { Duration::ZERO } else { pause_after(run.attempts - 1) };
                (Some(now + pause), "the database failed".to_owned())
            }
        };
        let due_at = again.filter(|_| run.attempts < MOST_ATTEMPTS);
        if due_at.is_none() {
            run.skip(&problem, run.step);
            run.finish(State::Failed, now);
        }
        tracing::warn!(
            reconciliation.id = %run.id, step = run.step.as_str(), error = %broken, "A comparison with WeCom broke off"
        );
        *self.left() = Some(Left { run, leased_until, due_at });
    }

    /// Notes what broke off, so that it goes on when its time has come, and not after its lease.
    async fn give_back(&self) -> Result<(), DbErr> {
        let Some(left) = self.left().take() else { return Ok(()) };
        let given_back = self.note(&left).await;
        if given_back.is_err() {
            *self.left() = Some(left);
        }
        given_back
    }

    async fn note(&self, left: &Left) -> Result<(), DbErr> {
        let txn = self.db().begin().await?;
        // When the lease was lost, another process has it, and nothing is to be given back.
        if store::reconciliation::save(&txn, &left.run, left.leased_until, left.due_at).await? {
            txn.commit().await?;
        }
        Ok(())
    }

    fn left(&self) -> MutexGuard<'_, Option<Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
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
