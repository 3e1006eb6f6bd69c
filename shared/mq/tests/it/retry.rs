//! What becomes of messages that fail.

use std::time::Duration;

use scrm_kernel::CorpId;
use scrm_kernel::time::from_millis;
use scrm_mq::topology::dead;
use scrm_mq::{Ladder, Queue, Settlement};
use scrm_proto::leads::v1::LeadAssigned;
use scrm_proto::{Envelope, Event as _};

use crate::support::{FLOW, Rig, Seen, Step, Worker, in_time, message, messages};

/// Timers of broker and test may disagree by so much.
const SLACK: Duration = Duration::from_millis(20);

/// Checks that a message is tried once and then after each rung, in time.
async fn climbs(worker: &mut Worker, queue: Queue) {
    let mut before: Option<Seen> = None;
    for attempt in 0..=queue.ladder.rungs().len() {
        let seen = worker.next().await;
        assert_eq!(usize::try_from(seen.envelope.attempt).unwrap(), attempt);
        if let Some(before) = before {
            let (waited, rung) = (seen.at - before.at, queue.ladder.rungs()[attempt - 1]);
            assert!(waited + SLACK >= rung, "attempt {attempt} after {waited:?}, not after {rung:?}");
        }
        before = Some(seen);
    }
}

#[tokio::test]
async fn a_failing_message_climbs_its_ladder_and_is_then_a_dead_letter_with_the_reason() {
    let rig = Rig::start(&[FLOW]).await;
    let mut worker = rig.consume(FLOW, |_| Step::Retry("out of luck"));
    let published = message("a", 1);
    rig.publish(vec![published.clone()]).await;

    climbs(&mut worker, FLOW).await;
    let letters = rig.take_dead(FLOW, 1).await;
    assert_eq!(letters, [(Envelope { attempt: 2, ..published }, "out of luck".to_owned())]);
    assert_eq!(rig.handled(FLOW).await, 0);
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn the_urgent_ladder_lasts_as_long_as_a_welcome_code_is_good() {
    let urgent = Queue { name: "test.urgent", ladder: Ladder::Urgent, ..FLOW };
    let rig = Rig::start(&[urgent]).await;
    let mut worker = rig.consume(urgent, |_| Step::Retry("out of luck"));
    rig.publish(vec![message("a", 1)]).await;

    climbs(&mut worker, urgent).await;
    assert_eq!(rig.take_dead(urgent, 1).await[0].1, "out of luck");
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn a_message_that_fails_and_then_succeeds_has_its_effect_once() {
    let rig = Rig::start(&[FLOW]).await;
    let mut worker = rig
        .consume(FLOW, |seen| if seen.envelope.attempt < 2 { Step::Retry("not yet") } else { Step::Handle });
    rig.publish(vec![message("a", 1)]).await;

    worker.take(3).await;
    rig.wait_for_handled(FLOW, 1).await;
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn a_wait_for_another_attempt_survives_a_crash() {
    let mut rig = Rig::start(&[FLOW]).await;
    let mut worker = rig
        .consume(FLOW, |seen| if seen.envelope.attempt == 0 { Step::Retry("not yet") } else { Step::Handle });
    rig.publish(vec![message("a", 1)]).await;
    worker.next().await;
    worker.stop().await;
    rig.crash().await;

    let mut worker = rig.consume(FLOW, |_| Step::Handle);
    assert_eq!(worker.next().await.envelope.attempt, 1);
    rig.wait_for_handled(FLOW, 1).await;
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn all_whose_wait_is_over_come_while_others_are_in_hand() {
    const PLACES: usize = 8;
    const IN_HAND: i64 = 7;
    const FAILING: i64 = 30;
    let rig = Rig::start(&[FLOW]).await;
    let mut subscription = rig.broker().subscribe(&FLOW, PLACES).await.unwrap();
    // All but one place is taken; those who waited go through that one.
    rig.publish(messages(30, FAILING + IN_HAND)).await;

    let (mut in_hand, mut again) = (Vec::new(), 0);
    while again < FAILING {
        let delivery = in_time("each message again", subscription.deliveries.recv()).await.unwrap();
        let reason = "not yet".to_owned();
        match delivery.envelope.attempt {
            0 if delivery.envelope.received_seq >= Some(FAILING) => in_hand.push(delivery),
            0 => delivery.settle(Settlement::Retry { after: FLOW.ladder.rungs()[0], reason }),
            _ => {
                again += 1;
                delivery.settle(Settlement::Done);
            }
        }
    }
    for delivery in in_hand {
        delivery.settle(Settlement::Done);
    }
    subscription.finish().await;
    rig.finish().await;
}

#[tokio::test]
async fn a_rejected_message_is_a_dead_letter_at_once() {
    let rig = Rig::start(&[FLOW]).await;
    let worker = rig.consume(FLOW, |_| Step::Reject("no such corp"));
    let published = message("a", 1);
    rig.publish(vec![published.clone()]).await;

    let letters = rig.take_dead(FLOW, 1).await;
    assert_eq!(letters, [(published, "no such corp".to_owned())]);
    assert_eq!(worker.stop().await.len(), 1);
    rig.finish().await;
}

#[tokio::test]
async fn a_handler_that_panics_has_failed() {
    let rig = Rig::start(&[FLOW]).await;
    let mut worker = rig.consume(FLOW, |seen| match seen.number {
        0 if seen.envelope.attempt == 0 => Step::Panic("for the test"),
        1 => Step::Panic("for ever"),
        _ => Step::Handle,
    });
    rig.publish(messages(1, 3)).await;

    worker.take(6).await;
    rig.wait_for_handled(FLOW, 2).await;
    let letters = rig.take_dead(FLOW, 1).await;
    assert_eq!(letters[0].0.received_seq, Some(1));
    assert_eq!(letters[0].1, "the handler panicked: for ever");
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn what_cannot_be_handled_is_a_dead_letter_at_once() {
    let rig = Rig::start(&[FLOW]).await;
    let worker = rig.consume(FLOW, |_| Step::Handle);
    let undecodable = Envelope { body: vec![0xff; 9].into(), ..message("a", 1) };
    let unknown = Envelope { kind: LeadAssigned::KIND.to_owned(), ..message("b", 2) };
    let foreign = Envelope { corp: CorpId::mint(from_millis(7)), ..message("c", 3) };
    rig.publish(vec![undecodable, unknown, foreign, message("d", 4)]).await;

    let mut letters = rig.take_dead(FLOW, 3).await;
    letters.sort_by_key(|(envelope, _)| envelope.received_seq);
    let reasons: Vec<&str> = letters.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(reasons[0], "body is not a wecom.v1.contact_added");
    assert_eq!(reasons[1], "no handler for events of kind leads.v1.lead_assigned");
    assert!(reasons[2].starts_with("envelope names corp"), "{}", reasons[2]);
    rig.wait_for_handled(FLOW, 1).await;
    assert_eq!(worker.stop().await.len(), 1);
    rig.finish().await;
}

#[tokio::test]
async fn a_thousand_failing_messages_do_not_hold_up_a_healthy_one() {
    const SLOWER: Queue = Queue { ladder: Ladder::Custom(&[Duration::from_millis(1500)]), ..FLOW };
    let rig = Rig::start(&[SLOWER]).await;
    rig.publish(messages(50, 1001)).await;
    let mut worker =
        rig.consume(SLOWER, |seen| if seen.number < 1000 { Step::Retry("always") } else { Step::Handle });

    let mut retried = 0;
    loop {
        let seen = worker.next().await;
        if seen.number == 1000 {
            break;
        }
        retried += usize::from(seen.envelope.attempt > 0);
    }
    assert!(retried < 200, "{retried} were retried before the healthy one was handled");

    rig.wait_for_messages(&dead(SLOWER.name), 1000).await;
    rig.wait_for_handled(SLOWER, 1).await;
    worker.stop().await;
    assert_eq!(rig.take_dead(SLOWER, 1000).await.len(), 1000);
    rig.finish().await;
}

#[tokio::test]
async fn a_thousand_undecodable_messages_go_straight_to_the_dead_letters() {
    let rig = Rig::start(&[FLOW]).await;
    let worker = rig.consume(FLOW, |_| Step::Handle);
    let undecodable = |message| Envelope { body: vec![0xff; 9].into(), ..message };
    rig.publish(messages(50, 1000).into_iter().map(undecodable).collect()).await;

    let letters = rig.take_dead(FLOW, 1000).await;
    assert!(letters.iter().all(|(envelope, _)| envelope.attempt == 0));
    assert!(worker.stop().await.is_empty());
    rig.finish().await;
}
