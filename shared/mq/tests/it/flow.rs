//! Where events go, in which order, and what of them arrives.

use std::collections::HashMap;

use scrm_kernel::MessageId;
use scrm_kernel::time::from_millis;
use scrm_mq::topology::UNROUTED;
use scrm_mq::{Ladder, Queue, Settlement};
use scrm_proto::wecom::v1::ContactAdded;
use scrm_proto::{Envelope, Event as _};

use crate::support::{FLOW, Rig, Step, effects_of, in_time, message, messages};

const OTHER: Queue = Queue { name: "test.other", kinds: &[ContactAdded::KIND], ladder: Ladder::Standard };

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
    let unrouted = Queue { name: UNROUTED, kinds: &[], ladder: Ladder::Standard };
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
