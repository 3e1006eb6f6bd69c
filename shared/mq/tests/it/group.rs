//! Messages that wait share a transaction, and nothing else.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Consumer, Failure, StateHandler};
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::ContactAdded;
use tokio::sync::{Barrier, Semaphore, mpsc};

use crate::support::{
    FLOW, Rig, Seen, Step, Worker, effects_of, is_distributed, leave_effect, message, messages,
};

fn without(published: &[Envelope], is_lost: impl Fn(i64) -> bool) -> Vec<Envelope> {
    let kept = published.iter().filter(|message| !is_lost(message.received_seq.unwrap()));
    kept.cloned().collect()
}

#[tokio::test]
async fn messages_that_wait_share_a_transaction() {
    let rig = Rig::start(&[FLOW]).await;
    let gate = Arc::new(Semaphore::new(0));
    let mut worker = rig.consume(FLOW, {
        let gate = Arc::clone(&gate);
        move |seen| if seen.number % 3 == 2 { Step::Wait(Arc::clone(&gate)) } else { Step::Handle }
    });
    let published = messages(1, 60);
    rig.publish(published.clone()).await;
    let mut has_shared = false;
    for round in 1..=20 {
        // While the last of three is in hand, those before it are not committed; unless the time of a group was over.
        worker.take(3).await;
        has_shared |= rig.handled(FLOW).await < 3 * round - 1;
        gate.add_permits(1);
    }
    assert!(has_shared, "each had a transaction of its own");
    rig.wait_for_handled(FLOW, 60).await;
    assert_eq!(rig.effects(FLOW).await, effects_of(&published));
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn what_fails_among_many_is_taken_back_alone() {
    let rig = Rig::start(&[FLOW]).await;
    let worker = rig.consume(FLOW, |seen| match (seen.number % 10, seen.envelope.attempt) {
        (1, _) => Step::Reject("never"),
        (4, 0) => Step::Retry("not yet"),
        (7, 0) => Step::Panic("for the test"),
        _ => Step::Handle,
    });
    let published = messages(3, 100);
    rig.publish(published.clone()).await;

    rig.wait_for_handled(FLOW, 90).await;
    assert_eq!(rig.effects(FLOW).await, effects_of(&without(&published, |number| number % 10 == 1)));
    assert_eq!(rig.take_dead(FLOW, 10).await.len(), 10);
    let seen = worker.stop().await;
    let fails = |seen: &&Seen| matches!((seen.number % 10, seen.envelope.attempt), (1, _) | (4 | 7, 0));
    assert_eq!(
        seen.iter().filter(fails).count(),
        30,
        "what came of a failure stands, whatever is done again"
    );
    rig.finish().await;
}

/// Handles even numbers at once, if it does not fail, and others alone; tells how.
#[derive(Clone)]
struct EvenAtOnce {
    fails: bool,
    told: mpsc::UnboundedSender<(bool, i64)>,
}

impl EvenAtOnce {
    async fn note(&self, txn: &Txn, envelope: &Envelope, at_once: bool) -> Result<(), Failure> {
        let number = envelope.received_seq.unwrap();
        leave_effect(txn, FLOW.name, &envelope.key, number).await?;
        self.told.send((at_once, number)).ok();
        Ok(())
    }
}

#[async_trait]
impl StateHandler<ContactAdded> for EvenAtOnce {
    async fn handle(&self, txn: &Txn, _: ContactAdded, envelope: &Envelope) -> Result<(), Failure> {
        self.note(txn, envelope, false).await
    }

    const HANDLES_AT_ONCE: bool = true;

    async fn handle_at_once(
        &self,
        txn: &Txn,
        events: &[(ContactAdded, &Envelope)],
    ) -> Result<Vec<bool>, Failure> {
        let mut are_handled = Vec::new();
        for (_, envelope) in events {
            let is_even = envelope.received_seq.unwrap() % 2 == 0;
            if is_even {
                self.note(txn, envelope, true).await?;
            }
            are_handled.push(is_even);
        }
        if self.fails { Err(Failure::Reject("for the test".to_owned())) } else { Ok(are_handled) }
    }
}

/// Returns how messages were handled: whether at once, and which number. Each was handled, once in the end.
async fn handled_at_once(published: Vec<Envelope>, fails: bool) -> Vec<(bool, i64)> {
    let rig = Rig::start(&[FLOW]).await;
    rig.publish(published.clone()).await;
    let (told, received) = mpsc::unbounded_channel();
    let (handler, db) = (EvenAtOnce { fails, told }, rig.db.clone());
    let worker = rig.keep_running(received, move |broker, lifecycle| {
        Consumer::new(FLOW, db.clone()).on::<ContactAdded>(handler.clone()).run(broker, lifecycle)
    });
    let mut once = published;
    once.sort_by_key(|message| message.received_seq);
    once.dedup_by_key(|message| message.received_seq);
    rig.wait_for_handled(FLOW, i64::try_from(once.len()).unwrap()).await;
    rig.wait_for_messages(FLOW.name, 0).await;
    assert_eq!(rig.effects(FLOW).await, effects_of(&once));
    let told = worker.stop().await;
    rig.finish().await;
    told
}

#[tokio::test]
async fn what_can_be_handled_at_once_is_and_the_rest_alone() {
    let mut published = messages(50, 50);
    published.extend([published[4].clone(), published[7].clone()]);
    let told = handled_at_once(published, false).await;
    assert!(told.iter().any(|(at_once, _)| *at_once));
    assert!(told.iter().all(|(at_once, number)| !at_once || number % 2 == 0));
    assert_eq!(told.len(), 50);
}

#[tokio::test]
async fn what_fails_at_once_is_taken_back_and_handled_alone() {
    let told = handled_at_once(messages(50, 50), true).await;
    assert!(told.iter().any(|(at_once, _)| *at_once));
    assert_eq!(told.iter().filter(|(at_once, _)| !at_once).count(), 50);
}

#[tokio::test]
async fn what_the_commit_refuses_harms_only_its_own_message() {
    let rig = Rig::start(&[FLOW]).await;
    let worker = rig.consume(FLOW, |seen| if seen.number == 13 { Step::BreakCommit } else { Step::Handle });
    let published = messages(2, 40);
    rig.publish(published.clone()).await;

    rig.wait_for_handled(FLOW, 39).await;
    let letters = rig.take_dead(FLOW, 1).await;
    assert_eq!((letters[0].0.received_seq, letters[0].0.attempt), (Some(13), 2));
    assert_eq!(rig.effects(FLOW).await, effects_of(&without(&published, |number| number == 13)));
    let seen = worker.stop().await;
    assert!(seen.iter().all(|seen| seen.number == 13 || seen.envelope.attempt == 0));
    rig.finish().await;
}

/// Returns two keys whose messages are handled beside each other, where there are two lanes.
fn keys_apart() -> [&'static str; 2] {
    let lane = |key: &str| {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        hasher.finish() % 2
    };
    let other = ["b", "c", "d", "e", "f"].into_iter().find(|other| lane(other) != lane("a"));
    ["a", other.unwrap()]
}

/// Handles what waits in the queue, while two lanes get in each other's way: with the numbers 4 and 5, each holds the row of
/// its key, and wants the other one's.
fn cross(rig: &Rig, keys: [&'static str; 2]) -> Worker {
    let (both, crossed) = (Arc::new(Barrier::new(2)), Mutex::new(BTreeSet::new()));
    rig.consume(FLOW, move |seen| match seen.number {
        number @ (4 | 5) if crossed.lock().unwrap().insert(number) => {
            Step::Meet(Arc::clone(&both), if number == 4 { keys[1] } else { keys[0] })
        }
        _ => Step::Handle,
    })
}

/// SQLite has one writer, so nobody waits for another one's rows there.
#[tokio::test]
async fn a_deadlock_between_lanes_uses_up_no_attempt() {
    if !is_distributed() {
        return;
    }
    let (rig, keys) = (Rig::start(&[FLOW]).await, keys_apart());
    for round in 1.. {
        // All of them wait before anybody comes; yet how many a lane has when it begins is up to the two ways there.
        rig.publish((0..8).map(|number| message(keys[usize::from(number % 2 == 1)], number)).collect()).await;
        let worker = cross(&rig, keys);
        rig.wait_for_handled(FLOW, 8 * round).await;
        rig.wait_for_messages(FLOW.name, 0).await;
        let seen = worker.stop().await;
        assert!(seen.len() > 8, "there was no deadlock");
        assert!(seen.iter().all(|seen| seen.envelope.attempt == 0));
        // What shared the transaction that PostgreSQL ended was taken back and handled again with it.
        let times = |number: i64| seen.iter().filter(|seen| seen.number == number).count();
        if (0..4).any(|number| times(number) > 1) {
            break;
        }
    }
    rig.finish().await;
}
