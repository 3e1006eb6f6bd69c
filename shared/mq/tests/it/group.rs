//! Messages that wait share a transaction, and nothing else.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scrm_proto::Envelope;
use tokio::sync::{Barrier, Semaphore};

use crate::support::{FLOW, Rig, Step, effects_of, eventually, is_distributed, message, messages};

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
    assert_eq!(seen.len(), 120, "nothing was handled twice because others failed");
    rig.finish().await;
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

/// Returns two keys whose messages are handled beside each other.
fn keys_apart() -> [&'static str; 2] {
    let lane = |key: &str| {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        hasher.finish() % 4
    };
    let other = ["b", "c", "d", "e", "f"].into_iter().find(|other| lane(other) != lane("a"));
    ["a", other.unwrap()]
}

/// SQLite has one writer, so nobody waits for another one's rows there.
#[tokio::test]
async fn a_deadlock_between_lanes_uses_up_no_attempt() {
    if !is_distributed() {
        return;
    }
    let rig = Rig::start(&[FLOW]).await;
    let (gate, both, keys) = (Arc::new(Semaphore::new(0)), Arc::new(Barrier::new(2)), keys_apart());
    let crossed = Mutex::new(BTreeSet::new());
    let begun = Arc::new(AtomicI64::new(0));
    let worker = rig.consume(FLOW, {
        let (gate, both, begun) = (Arc::clone(&gate), Arc::clone(&both), Arc::clone(&begun));
        move |seen| match seen.number {
            0 | 1 => {
                begun.fetch_add(1, Ordering::SeqCst);
                Step::Wait(Arc::clone(&gate))
            }
            // Each holds the row of its key, and wants the other one's.
            number @ (4 | 5) if crossed.lock().unwrap().insert(number) => {
                Step::Meet(Arc::clone(&both), if number == 4 { keys[1] } else { keys[0] })
            }
            _ => Step::Handle,
        }
    });
    let published: Vec<_> =
        (0..8).map(|number| message(keys[usize::from(number % 2 == 1)], number)).collect();
    rig.publish(published).await;
    eventually("both lanes are at work", async || begun.load(Ordering::SeqCst) == 2).await;
    // Nothing shows that the rest waits in the lanes, as it must for both to take several at once.
    tokio::time::sleep(Duration::from_millis(200)).await;
    gate.add_permits(4);

    rig.wait_for_handled(FLOW, 8).await;
    rig.wait_for_messages(FLOW.name, 0).await;
    let seen = worker.stop().await;
    assert!(seen.len() > 8, "there was no deadlock");
    assert!(seen.iter().all(|seen| seen.envelope.attempt == 0));
    rig.finish().await;
}
