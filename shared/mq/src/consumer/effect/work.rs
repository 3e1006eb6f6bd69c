//! The steps around one message of an effect handler, each in a transaction of its own.

use std::time::Duration;

use scrm_db::{Db, Txn, inbox};
use scrm_kernel::{Lifecycle, Timestamp};
use scrm_proto::{Envelope, Event};
use sea_orm::DbErr;

use super::{Claim, EffectHandler, Next};
use crate::consumer::{Failure, PAUSE, caught, ended};
use crate::delivery::Settlement;
use crate::topology::Queue;

/// How often a recording may fail, with a database that works, before the message is tried again as a whole.
const RECORDINGS: u32 = 5;
/// A message does not come again sooner, even if its claim says so.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
/// Nor later: it then asks again whether its turn has come.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// One message, and what it is handled with.
pub(super) struct Work<'a> {
    pub(super) queue: &'a Queue,
    pub(super) db: &'a Db,
    pub(super) envelope: &'a Envelope,
    pub(super) lifecycle: &'a Lifecycle,
}

impl Work<'_> {
    /// Claims the unit of the message, or says why there is nothing to call.
    pub(super) async fn claim<E: Event, H: EffectHandler<E>>(
        &self,
        handler: &H,
        event: &E,
    ) -> Result<H::Unit, Settlement> {
        loop {
            match self.claim_once(handler, event).await {
                Ok(Ok(Claim::Call(unit))) => return Ok(unit),
                Ok(Ok(Claim::Nothing)) => return Err(Settlement::Done),
                Ok(Ok(Claim::Busy { until })) => return Err(self.wait_until(until)),
                Ok(Err(failure)) => return Err(self.failed(failure)),
                Err(error) => self.complain(&error),
            }
            tokio::select! {
                () = self.lifecycle.stopping() => return Err(Settlement::Release),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Claims in one transaction. An error means that the database did not begin or commit it.
    async fn claim_once<E: Event, H: EffectHandler<E>>(
        &self,
        handler: &H,
        event: &E,
    ) -> Result<Result<Claim<H::Unit>, Failure>, DbErr> {
        let txn = self.db.begin().await?;
        if self.is_done(&txn).await? {
            return Ok(Ok(Claim::Nothing));
        }
        let part = txn.savepoint().await?;
        let outcome = caught(handler.claim(&part, event, self.envelope)).await;
        let claim = match ended(part, outcome).await? {
            Ok(claim) => claim,
            Err(failure) => return self.taken_back(txn, failure).await,
        };
        match claim {
            Claim::Call(_) => {}
            Claim::Nothing => self.remember(&txn).await?,
            // It changed nothing.
            Claim::Busy { .. } => return Ok(Ok(claim)),
        }
        self.committed(txn, claim).await
    }

    /// Records what became of the call, waiting for a database that is down: the call is made, and must not be again.
    pub(super) async fn record<E: Event, H: EffectHandler<E>>(
        &self,
        handler: &H,
        unit: &H::Unit,
        outcome: &H::Outcome,
    ) -> Settlement {
        let (mut failures, mut may_be_recorded) = (0, false);
        loop {
            match self.record_once(handler, unit, outcome, may_be_recorded).await {
                Ok(Ok(Next::Done)) => return Settlement::Done,
                Ok(Ok(Next::Retry(reason))) => return self.failed(Failure::Retry(reason)),
                Ok(Ok(Next::Dead(reason)) | Err(Failure::Reject(reason))) => {
                    return Settlement::Dead { reason };
                }
                Ok(Err(failure)) => {
                    failures += 1;
                    if failures >= RECORDINGS {
                        return self.failed(failure);
                    }
                    let (queue, reason) = (self.queue.name, failure.text());
                    tracing::warn!(queue, reason, "Call is made but cannot be recorded, trying again");
                }
                Err(error) => {
                    may_be_recorded = true;
                    self.complain(&error);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Records in one transaction. An error means that the database did not begin or commit it, as far as is known.
    async fn record_once<E: Event, H: EffectHandler<E>>(
        &self,
        handler: &H,
        unit: &H::Unit,
        outcome: &H::Outcome,
        may_be_recorded: bool,
    ) -> Result<Result<Next, Failure>, DbErr> {
        let txn = self.db.begin().await?;
        if may_be_recorded && self.is_done(&txn).await? {
            return Ok(Ok(Next::Done));
        }
        let part = txn.savepoint().await?;
        let outcome = caught(handler.record(&part, unit, outcome)).await;
        let next = match ended(part, outcome).await? {
            Ok(next) => next,
            Err(failure) => return self.taken_back(txn, failure).await,
        };
        if next == Next::Done {
            self.remember(&txn).await?;
        }
        self.committed(txn, next).await
    }

    async fn is_done(&self, txn: &Txn) -> Result<bool, DbErr> {
        inbox::has_entered(txn, self.queue.name, self.envelope.message_id).await
    }

    async fn remember(&self, txn: &Txn) -> Result<(), DbErr> {
        inbox::enter(txn, self.queue.name, self.envelope.message_id).await.map(drop)
    }

    async fn committed<T>(&self, txn: Txn, value: T) -> Result<Result<T, Failure>, DbErr> {
        match txn.commit().await {
            Ok(()) => Ok(Ok(value)),
            // A constraint that is checked at the commit: the handler's doing, not the database's.
            Err(error) if self.db.violation(&error).is_some() => Ok(Err(error.into())),
            Err(error) => Err(error),
        }
    }

    /// Ends a transaction in vain.
    async fn taken_back<T>(&self, txn: Txn, failure: Failure) -> Result<Result<T, Failure>, DbErr> {
        drop(txn);
        if matches!(failure, Failure::Retry(_)) {
            // It may have failed because the database went away under it: that uses up no attempt.
            self.db.reader().ping().await?;
        }
        Ok(Err(failure))
    }

    pub(super) fn failed(&self, failure: Failure) -> Settlement {
        failure.settlement(self.queue, self.envelope.attempt)
    }

    fn wait_until(&self, moment: Timestamp) -> Settlement {
        let wait = (moment - self.db.clock().now()).to_std().unwrap_or_default();
        Settlement::Wait { after: wait.clamp(SHORTEST_WAIT, LONGEST_WAIT) }
    }

    fn complain(&self, error: &DbErr) {
        tracing::warn!(queue = self.queue.name, error = %error, "Database cannot be used, waiting for it");
    }
}
