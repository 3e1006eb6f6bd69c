//! The steps around one message of an effect handler: a claim and a record, each in a transaction.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scrm_db::{Db, Txn};
use scrm_kernel::{CorpId, Lifecycle, MessageId, Timestamp};
use scrm_proto::{Envelope, Event};
use sea_orm::DbErr;
use tracing::{Instrument as _, Span};

use super::desk::alone;
use super::{Claim, Decoding, EffectHandler, Next};
use crate::consumer::together::{Fate, Keep, Part, alike};
use crate::consumer::{Failure, PAUSE};
use crate::delivery::Settlement;
use crate::topology::Queue;

/// How often a recording may fail, with a database that works, before the message is tried again as a whole.
const RECORDINGS: u32 = 5;
/// A message does not come again sooner, even if its claim says so.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
/// Nor later: it then asks again whether its turn has come.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// A claim as a part of a transaction.
pub(super) struct ToClaim<E, H> {
    handler: Arc<H>,
    event: Arc<E>,
    envelope: Arc<Envelope>,
    /// Whoever has the turn does it, in this step all the same.
    step: Span,
}

#[async_trait]
impl<E: Event, H: EffectHandler<E>> Part for ToClaim<E, H> {
    type Out = Claim<H::Unit>;

    fn message(&self) -> MessageId {
        self.envelope.message_id
    }

    async fn act(&self, txn: &Txn) -> Result<(Claim<H::Unit>, Keep), Failure> {
        let claim = self.handler.claim(txn, &self.event, &self.envelope);
        let claim = claim.instrument(self.step.clone()).await?;
        let keep = kept_of(&claim);
        Ok((claim, keep))
    }

    fn key(&self) -> Option<&str> {
        Some(&self.envelope.key)
    }

    fn may_be_at_once(&self) -> bool {
        H::CLAIMS_AT_ONCE
    }

    /// Those of one enterprise together, if there are several.
    async fn act_at_once(parts: &[&Self], txn: &Txn) -> Result<Vec<Option<(Self::Out, Keep)>>, Failure> {
        let mut done: Vec<_> = parts.iter().map(|_| None).collect();
        for (_, places) in alike(parts, |part| part.envelope.corp) {
            let handler = &parts[places[0]].handler;
            let asked = places.iter().map(|place| parts[*place]);
            let events: Vec<_> = asked.map(|part| (&*part.event, &*part.envelope)).collect();
            for (place, claim) in places.into_iter().zip(handler.claim_at_once(txn, &events).await?) {
                let keep = claim.as_ref().map_or(Keep::Nothing, kept_of);
                // Of one that is busy nothing is kept, so it is found out alone.
                done[place] = claim.filter(|_| keep != Keep::Nothing).map(|claim| (claim, keep));
            }
        }
        Ok(done)
    }
}

const fn kept_of<Unit>(claim: &Claim<Unit>) -> Keep {
    match claim {
        Claim::Call(_) => Keep::Open,
        Claim::Nothing => Keep::Handled,
        Claim::Busy { .. } => Keep::Nothing,
    }
}

/// The record of a call as a part of a transaction.
pub(super) struct ToRecord<E: Event, H: EffectHandler<E>> {
    handler: Arc<H>,
    unit: Arc<H::Unit>,
    outcome: Arc<H::Outcome>,
    message: MessageId,
    corp: CorpId,
    may_be_recorded: bool,
    step: Span,
}

#[async_trait]
impl<E: Event, H: EffectHandler<E>> Part for ToRecord<E, H> {
    type Out = Next;

    fn message(&self) -> MessageId {
        self.message
    }

    fn may_be_handled(&self) -> bool {
        self.may_be_recorded
    }

    async fn act(&self, txn: &Txn) -> Result<(Next, Keep), Failure> {
        let next = self.handler.record(txn, &self.unit, &self.outcome);
        let next = next.instrument(self.step.clone()).await?;
        let keep = kept_with(&next);
        Ok((next, keep))
    }

    fn may_be_at_once(&self) -> bool {
        H::RECORDS_AT_ONCE
    }

    /// Those of one enterprise together, if there are several.
    async fn act_at_once(parts: &[&Self], txn: &Txn) -> Result<Vec<Option<(Next, Keep)>>, Failure> {
        let mut done = vec![None; parts.len()];
        for (_, places) in alike(parts, |part| part.corp) {
            let handler = &parts[places[0]].handler;
            let made = places.iter().map(|place| parts[*place]);
            let calls: Vec<_> = made.map(|part| (&*part.unit, &*part.outcome)).collect();
            for (place, next) in places.into_iter().zip(handler.record_at_once(txn, &calls).await?) {
                done[place] = next.map(|next| (next.clone(), kept_with(&next)));
            }
        }
        Ok(done)
    }
}

fn kept_with(next: &Next) -> Keep {
    if *next == Next::Done { Keep::Handled } else { Keep::Open }
}

/// What is noted of a message that goes to the dead letters, as a part of a transaction.
struct ToGiveUp<E, H> {
    handler: Arc<H>,
    event: Arc<E>,
    envelope: Arc<Envelope>,
}

#[async_trait]
impl<E: Event, H: EffectHandler<E>> Part for ToGiveUp<E, H> {
    type Out = ();

    fn message(&self) -> MessageId {
        self.envelope.message_id
    }

    async fn act(&self, txn: &Txn) -> Result<((), Keep), Failure> {
        self.handler.given_up(txn, &self.event, &self.envelope).await?;
        // Put back by a person, it is to be handled.
        Ok(((), Keep::Open))
    }
}

/// One message, and what it is handled with.
pub(super) struct Work<'a> {
    pub(super) queue: &'a Queue,
    pub(super) db: &'a Db,
    pub(super) envelope: &'a Arc<Envelope>,
    pub(super) lifecycle: &'a Lifecycle,
}

impl Work<'_> {
    /// Claims the unit of the message, or says why there is nothing to call.
    pub(super) async fn claim<E: Event, H: EffectHandler<E>>(
        &self,
        effect: &Decoding<E, H>,
        event: &Arc<E>,
    ) -> Result<H::Unit, Settlement> {
        loop {
            let part = ToClaim {
                handler: Arc::clone(&effect.handler),
                event: Arc::clone(event),
                envelope: Arc::clone(self.envelope),
                step: Span::current(),
            };
            match effect.claims.act(self.db, self.queue.name, part).await {
                Ok(Fate::Ended(Ok(Claim::Call(unit)))) => return Ok(unit),
                Ok(Fate::Before | Fate::Ended(Ok(Claim::Nothing))) => return Err(Settlement::Done),
                Ok(Fate::Ended(Ok(Claim::Busy { until }))) => return Err(self.wait_until(until)),
                Ok(Fate::Ended(Err(failure))) => return Err(self.failed(failure)),
                Err(error) => self.complain(&error),
            }
            tokio::select! {
                () = self.lifecycle.stopping() => return Err(Settlement::Release),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Records what became of the call, waiting for a database that is down: the call is made, and must not be again.
    pub(super) async fn record<E: Event, H: EffectHandler<E>>(
        &self,
        effect: &Decoding<E, H>,
        unit: &Arc<H::Unit>,
        outcome: H::Outcome,
    ) -> Settlement {
        let outcome = Arc::new(outcome);
        let (mut failures, mut may_be_recorded) = (0, false);
        loop {
            let part = ToRecord {
                handler: Arc::clone(&effect.handler),
                unit: Arc::clone(unit),
                outcome: Arc::clone(&outcome),
                message: self.envelope.message_id,
                corp: self.envelope.corp,
                may_be_recorded,
                step: Span::current(),
            };
            match effect.records.act(self.db, self.queue.name, part).await {
                Ok(Fate::Before | Fate::Ended(Ok(Next::Done))) => return Settlement::Done,
                Ok(Fate::Ended(Ok(Next::Retry(reason)))) => return self.failed(Failure::Retry(reason)),
                Ok(Fate::Ended(Ok(Next::Dead(reason)) | Err(Failure::Reject(reason)))) => {
                    return Settlement::Dead { reason };
                }
                Ok(Fate::Ended(Err(failure))) => {
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

    /// Lets the handler note that the message is given up, and gives it up.
    pub(super) async fn give_up<E: Event, H: EffectHandler<E>>(
        &self,
        effect: &Decoding<E, H>,
        event: &Arc<E>,
        reason: String,
    ) -> Settlement {
        let part = ToGiveUp {
            handler: Arc::clone(&effect.handler),
            event: Arc::clone(event),
            envelope: Arc::clone(self.envelope),
        };
        loop {
            match alone(self.db, self.queue.name, &part).await {
                // Another copy of it was handled meanwhile.
                Ok(Fate::Before) => return Settlement::Done,
                Ok(Fate::Ended(Ok(()))) => return Settlement::Dead { reason },
                Ok(Fate::Ended(Err(failure))) => {
                    let (queue, why) = (self.queue.name, failure.text());
                    tracing::warn!(queue, reason = why, "It cannot be noted that a message is given up");
                    return Settlement::Dead { reason };
                }
                Err(error) => self.complain(&error),
            }
            tokio::select! {
                () = self.lifecycle.stopping() => return Settlement::Release,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
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
