//! Messages that come again, or in another order: the state they leave is the same.

use scrm_db::inbox;
use scrm_proto::Envelope;

use crate::support::{FLOW, Rig, Step, effects_of, in_time, leave_effect, message, messages};

/// Mixes messages in a way that is the same at every run.
fn shuffled(mut messages: Vec<Envelope>) -> Vec<Envelope> {
    let mut state = 42_u64;
    for i in (1..messages.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap() % (i + 1);
        messages.swap(i, other);
    }
    messages
}

#[tokio::test]
async fn shuffled_and_repeated_events_leave_the_state_of_each_once_in_order() {
    let rig = Rig::start(&[FLOW]).await;
    let worker = rig.consume(FLOW, |_| Step::Handle);
    let published = messages(10, 200);
    let three_times = published.iter().cycle().take(3 * published.len()).cloned().collect();
    for window in shuffled(three_times).chunks(97) {
        rig.publish(window.to_vec()).await;
    }

    rig.wait_for_handled(FLOW, 200).await;
    rig.wait_for_messages(FLOW.name, 0).await;
    assert_eq!(rig.effects(FLOW).await, effects_of(&published));
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn a_crash_between_commit_and_acknowledgement_changes_nothing() {
    let mut rig = Rig::start(&[FLOW]).await;
    let published = vec![message("a", 1), message("b", 2)];
    rig.publish(published.clone()).await;
    let mut subscription = rig.broker().subscribe(&FLOW, 1).await.unwrap();
    let delivery = in_time("a delivery", subscription.deliveries.recv()).await.unwrap();
    let txn = rig.db.begin().await.unwrap();
    assert!(inbox::enter(&txn, FLOW.name, delivery.envelope.message_id).await.unwrap());
    leave_effect(&txn, FLOW.name, &delivery.envelope.key, 1).await.unwrap();
    txn.commit().await.unwrap();
    // A process that dies here tells the broker nothing.
    std::mem::forget(delivery);
    rig.crash().await;

    let worker = rig.consume(FLOW, |_| Step::Handle);
    rig.wait_for_handled(FLOW, 2).await;
    rig.wait_for_messages(FLOW.name, 0).await;
    assert_eq!(rig.effects(FLOW).await, effects_of(&published));
    let handled = worker.stop().await;
    assert_eq!(handled.iter().map(|seen| seen.number).collect::<Vec<_>>(), [2]);
    rig.finish().await;
}
