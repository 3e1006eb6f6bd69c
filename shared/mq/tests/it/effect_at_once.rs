//! Claims and records that are made at once: the same as one after the other, with fewer statements.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Claim, EffectHandler, Effects, Failure, Next};
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::ContactAdded;
use tokio::sync::{Barrier, mpsc};

use crate::support::{FLOW, Rig, effects_of, leave_effect, messages};

/// Messages, all in hand at once.
const COUNT: i64 = 40;
/// The same.
const IN_HAND: usize = 40;

/// What was done, whether at once, and about which message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    what: What,
    at_once: bool,
    number: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Claimed,
    Recorded,
}

/// Claims and records even numbers at once, and others alone; the record leaves an effect.
#[derive(Clone)]
struct EvenAtOnce {
    /// Whether what is done at once fails in the end.
    fails: bool,
    /// All claims wait for each other, and so do all records.
    together: Arc<Barrier>,
    told: mpsc::UnboundedSender<Told>,
}

impl EvenAtOnce {
    fn tell(&self, what: What, at_once: bool, number: i64) {
        self.told.send(Told { what, at_once, number }).ok();
    }

    async fn note(&self, txn: &Txn, unit: &(String, i64), at_once: bool) -> Result<(), Failure> {
        leave_effect(txn, FLOW.name, &unit.0, unit.1).await?;
        self.tell(What::Recorded, at_once, unit.1);
        Ok(())
    }

    fn in_the_end<T>(&self, done: T) -> Result<T, Failure> {
        if self.fails { Err(Failure::Reject("for the test".to_owned())) } else { Ok(done) }
    }
}

fn unit_of(envelope: &Envelope) -> (String, i64) {
    (envelope.key.clone(), envelope.received_seq.unwrap())
}

#[async_trait]
impl EffectHandler<ContactAdded> for EvenAtOnce {
    type Unit = (String, i64);
    type Outcome = ();

    async fn prepare(&self, _: &ContactAdded, _: &Envelope) {
        self.together.wait().await;
    }

    async fn claim(
        &self,
        _: &Txn,
        _: &ContactAdded,
        envelope: &Envelope,
    ) -> Result<Claim<Self::Unit>, Failure> {
        let unit = unit_of(envelope);
        self.tell(What::Claimed, false, unit.1);
        Ok(Claim::Call(unit))
    }

    const CLAIMS_AT_ONCE: bool = true;

    async fn claim_at_once(
        &self,
        _: &Txn,
        events: &[(&ContactAdded, &Envelope)],
    ) -> Result<Vec<Option<Claim<Self::Unit>>>, Failure> {
        let units = events.iter().map(|(_, envelope)| unit_of(envelope));
        let claim = |unit: Self::Unit| {
            (unit.1 % 2 == 0).then(|| {
                self.tell(What::Claimed, true, unit.1);
                Claim::Call(unit)
            })
        };
        let claims = units.map(claim).collect();
        self.in_the_end(claims)
    }

    async fn call(&self, _: &Self::Unit) {
        self.together.wait().await;
    }

    async fn record(&self, txn: &Txn, unit: &Self::Unit, (): &()) -> Result<Next, Failure> {
        self.note(txn, unit, false).await?;
        Ok(Next::Done)
    }

    const RECORDS_AT_ONCE: bool = true;

    async fn record_at_once(
        &self,
        txn: &Txn,
        calls: &[(&Self::Unit, &())],
    ) -> Result<Vec<Option<Next>>, Failure> {
        let mut nexts = Vec::new();
        for (unit, ()) in calls {
            let is_even = unit.1 % 2 == 0;
            if is_even {
                self.note(txn, unit, true).await?;
            }
            nexts.push(is_even.then_some(Next::Done));
        }
        self.in_the_end(nexts)
    }
}

/// Returns what was told. Each message left its effect once.
async fn carried_out(fails: bool) -> Vec<Told> {
    let rig = Rig::start(&[FLOW]).await;
    let published = messages(COUNT, COUNT);
    rig.publish(published.clone()).await;
    let (told, received) = mpsc::unbounded_channel();
    let handler = EvenAtOnce { fails, together: Arc::new(Barrier::new(IN_HAND)), told };
    let db = rig.db.clone();
    let worker = rig.keep_running(received, move |broker, lifecycle| {
        Effects::new(FLOW, db.clone(), IN_HAND).on::<ContactAdded>(handler.clone()).run(broker, lifecycle)
    });
    rig.wait_for_handled(FLOW, COUNT).await;
    rig.wait_for_messages(FLOW.name, 0).await;
    assert_eq!(rig.effects(FLOW).await, effects_of(&published));
    let told = worker.stop().await;
    rig.finish().await;
    told
}

#[tokio::test]
async fn what_can_be_claimed_and_recorded_at_once_is_and_the_rest_alone() {
    let told = carried_out(false).await;
    for what in [What::Claimed, What::Recorded] {
        let of: Vec<_> = told.iter().filter(|told| told.what == what).collect();
        assert_eq!(of.len(), IN_HAND, "{what:?}");
        assert!(of.iter().all(|told| !told.at_once || told.number % 2 == 0));
        assert!(of.iter().any(|told| told.at_once), "{what:?}");
    }
}

#[tokio::test]
async fn what_fails_at_once_is_taken_back_and_done_alone() {
    let told = carried_out(true).await;
    for what in [What::Claimed, What::Recorded] {
        let alone = told.iter().filter(|told| told.what == what && !told.at_once);
        assert_eq!(alone.count(), IN_HAND, "{what:?}");
    }
}
