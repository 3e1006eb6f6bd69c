//! Where events go, in which order, and what of them arrives.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use scrm_db::{Publish as _, PublishError};
use scrm_kernel::time::from_millis;
use scrm_kernel::{Clock, MessageId};
use scrm_mq::topology::UNROUTED;
use scrm_mq::{Ladder, Queue, Rank, Settlement};
use scrm_proto::wecom::v1::ContactAdded;
use scrm_proto::{Envelope, Event as _};
use tokio::sync::Semaphore;

use crate::support::{FLOW, Rig, Step, effects_of, in_time, message, messages};

const OTHER: Queue =
    Queue { name: "test.other", kinds: &[ContactAdded::KIND], ladder: Ladder::Standard, rank: Rank::First };

#[tokio::test]
async fn an_event_reaches_every_queue_that_wants_it() {
    let rig = Rig::start(&[FLOW, OTHER]).await;
    let (first, second) = (rig.consume(FLOW, |_| Step::Handle), rig.consume(OTHER, |_| Step::Handle));
    let published = messages(10, 100);
    rig.publish(published.clone()).await;

    rig.wait_for_handled(FLOW, 100).await;
    rig.wait_for_handled(OTHER, 100).await;
    assert_eq!(rig.effects(FLOW).await, effects_of(&published));
    assert_eq!(rig.effects(OTHER).await, effects_of(&published));
    first.stop().await;
    second.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn events_of_one_key_are_handled_in_the_order_they_were_published() {
    let rig = Rig::start(&[FLOW]).await;
    let mut worker = rig.consume(FLOW, |_| Step::Handle);
    let published = messages(7, 500);
    for window in published.chunks(60) {
        rig.publish(window.to_vec()).await;
    }

    let mut last = HashMap::new();
    for seen in worker.take(500).await {
        let before = last.insert(seen.envelope.key.clone(), seen.number);
        assert!(before < Some(seen.number), "{} after {before:?} of {}", seen.number, seen.envelope.key);
    }
    rig.wait_for_handled(FLOW, 500).await;
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn an_event_arrives_as_it_was_published() {
    let rig = Rig::start(&[FLOW]).await;
    let plain = Envelope { received_at: None, received_seq: None, ..message("客户-ö", 0) };
    let full = Envelope {
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        replay_of: Some(MessageId::mint(from_millis(5))),
        attempt: 2,
        ..message("", i64::MAX)
    };
    let published = vec![plain, full];
    rig.publish(published.clone()).await;

    let mut subscription = rig.broker().subscribe(&FLOW, 10).await.unwrap();
    for expected in published {
        let delivery = in_time("a delivery", subscription.deliveries.recv()).await.unwrap();
        assert_eq!(delivery.envelope, expected);
        assert_eq!(delivery.reason, None);
        delivery.settle(Settlement::Done);
    }
    subscription.finish().await;
    rig.finish().await;
}

#[tokio::test]
async fn events_published_before_any_consumer_ran_are_handled_later() {
    let mut rig = Rig::start(&[FLOW, OTHER]).await;
    let published = messages(3, 30);
    rig.publish(published.clone()).await;
    let first = rig.consume(FLOW, |_| Step::Handle);
    rig.wait_for_handled(FLOW, 30).await;
    first.stop().await;

    rig.crash().await;
    let second = rig.consume(OTHER, |_| Step::Handle);
    rig.wait_for_handled(OTHER, 30).await;
    assert_eq!(rig.effects(OTHER).await, effects_of(&published));
    second.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn an_event_that_nobody_wants_is_kept_among_the_unrouted() {
    let rig = Rig::start(&[FLOW]).await;
    let unwanted = Envelope { kind: "test.v1.nobody_wants_this".to_owned(), ..message("a", 1) };
    rig.publish(vec![unwanted.clone(), message("a", 2)]).await;
    let worker = rig.consume(FLOW, |_| Step::Handle);
    rig.wait_for_handled(FLOW, 1).await;
    worker.stop().await;

    rig.wait_for_messages(UNROUTED, 1).await;
    let unrouted = Queue { name: UNROUTED, kinds: &[], ladder: Ladder::Standard, rank: Rank::First };
    let mut subscription = rig.broker().subscribe(&unrouted, 10).await.unwrap();
    let delivery = in_time("a delivery", subscription.deliveries.recv()).await.unwrap();
    assert_eq!(delivery.envelope, unwanted);
    delivery.settle(Settlement::Done);
    subscription.finish().await;
    rig.finish().await;
}

#[tokio::test]
async fn an_empty_queue_takes_up_again_when_something_comes() {
    let rig = Rig::start(&[FLOW]).await;
    let mut worker = rig.consume(FLOW, |_| Step::Handle);
    for number in 0..20 {
        rig.publish(vec![message("a", number)]).await;
        assert_eq!(worker.next().await.number, number);
        rig.wait_for_messages(FLOW.name, 0).await;
    }
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn what_can_never_be_published_is_told_and_holds_nothing_up() {
    let rig = Rig::start(&[FLOW]).await;
    let long = |length| "k".repeat(length);
    let window = vec![
        message("a", 1),
        message(&long(20_000), 2),
        Envelope { kind: long(256), ..message("b", 3) },
        Envelope { traceparent: Some(long(20_000)), ..message("c", 4) },
        Envelope { body: vec![0; 17 << 20].into(), ..message("d", 5) },
        message("e", 6),
    ];
    let outcomes = rig.broker().publish(window).await;
    let never: Vec<bool> =
        outcomes.iter().map(|outcome| matches!(outcome, Err(PublishError::Never(_)))).collect();
    assert_eq!(never, [false, true, true, true, true, false], "{outcomes:?}");
    assert_eq!((&outcomes[0], &outcomes[5]), (&Ok(()), &Ok(())));
    let worker = rig.consume(FLOW, |_| Step::Handle);
    rig.wait_for_handled(FLOW, 2).await;
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn the_age_of_a_queue_is_that_of_its_oldest_message() {
    let rig = Rig::start(&[FLOW]).await;
    assert_eq!(rig.oldest_in(FLOW.name).await, None);
    let second = Duration::from_secs(1);
    let before = Clock::system().now() - second;
    let gate = Arc::new(Semaphore::new(0));
    let mut worker = rig.consume(FLOW, {
        let gate = Arc::clone(&gate);
        move |seen| match (seen.number, seen.envelope.attempt) {
            (1, 0) => Step::Retry("not yet"),
            (1, _) => Step::Wait(Arc::clone(&gate)),
            _ => Step::Handle,
        }
    });
    rig.publish(vec![message("a", 1)]).await;
    worker.next().await;
    let published = Clock::system().now();
    worker.next().await;
    // It was published before it failed, and its age counts from there.
    let oldest = rig.oldest_in(FLOW.name).await.unwrap();
    assert!(before < oldest && oldest < published + second / 10, "{before} {oldest} {published}");
    gate.add_permits(1);
    rig.wait_for_handled(FLOW, 1).await;
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn what_nobody_waits_for_goes_on_while_the_first_ones_are_in_hand() {
    const LATER: Queue = Queue { rank: Rank::Later, ..OTHER };
    let rig = Rig::start(&[FLOW, LATER]).await;
    let mut first = rig.broker().subscribe(&FLOW, 200).await.unwrap();
    let later = rig.consume(LATER, |_| Step::Handle);
    rig.publish(messages(10, 50)).await;
    let mut in_hand = Vec::new();
    while in_hand.len() < 50 {
        in_hand.push(in_time("a message", first.deliveries.recv()).await.unwrap());
    }

    rig.wait_for_handled(LATER, 50).await;
    for delivery in in_hand {
        delivery.settle(Settlement::Done);
    }
    first.finish().await;
    later.stop().await;
    rig.finish().await;
}
