//! What the embedded broker alone does: messages are handed over before they are in its file.

use std::sync::Arc;

use futures::future::join_all;
use scrm_db::Publish as _;
use scrm_mq::Settlement;
use scrm_mq::topology::dead;
use scrm_proto::Envelope;
use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use tokio::sync::Semaphore;

use crate::support::{FLOW, Rig, Step, effects_of, in_time, is_distributed, message};

/// Opens the file as another process would.
async fn file_of(rig: &Rig) -> DatabaseConnection {
    sea_orm::Database::connect(format!("sqlite://{}", rig.broker_file().display())).await.unwrap()
}

/// Lets no message be written from now on, and publishes one.
async fn publish_in_vain(rig: &Rig, file: &DatabaseConnection, message: &Envelope) {
    let full = "CREATE TRIGGER full BEFORE INSERT ON message BEGIN SELECT raise(ABORT, 'told to fail'); END";
    file.execute_unprepared(full).await.unwrap();
    let outcomes = rig.broker().publish(vec![message.clone()]).await;
    assert!(outcomes[0].is_err(), "{outcomes:?}");
}

/// Lets messages be written again.
async fn make_room(file: &DatabaseConnection) {
    file.execute_unprepared("DROP TRIGGER full").await.unwrap();
}

#[tokio::test]
async fn a_message_is_handled_before_it_is_safe_and_not_again_when_it_is() {
    if is_distributed() {
        return;
    }
    let (rig, gate) = (Rig::start(&[FLOW]).await, Arc::new(Semaphore::new(0)));
    let open = Arc::clone(&gate);
    let mut worker = rig.consume(FLOW, move |_| Step::Wait(Arc::clone(&open)));
    let (file, told) = (file_of(&rig).await, message("a", 1));
    publish_in_vain(&rig, &file, &told).await;
    assert_eq!(worker.next().await.envelope, told);
    gate.add_permits(1);
    rig.wait_for_handled(FLOW, 1).await;

    make_room(&file).await;
    rig.publish(vec![told.clone()]).await;
    rig.wait_for_messages(FLOW.name, 0).await;
    assert_eq!(rig.effects(FLOW).await, effects_of(&[told]));
    assert!(worker.stop().await.is_empty(), "the inbox knows it");
    file.close().await.unwrap();
    rig.finish().await;
}

#[tokio::test]
async fn a_message_that_fails_before_it_is_safe_is_a_dead_letter_once_it_is() {
    if is_distributed() {
        return;
    }
    let rig = Rig::start(&[FLOW]).await;
    let mut worker = rig.consume(FLOW, |_| Step::Reject("no such thing"));
    let (file, bad) = (file_of(&rig).await, message("a", 1));
    publish_in_vain(&rig, &file, &bad).await;
    worker.next().await;
    assert_eq!(rig.messages_in(&dead(FLOW.name)).await, 0);

    make_room(&file).await;
    rig.publish(vec![bad.clone()]).await;
    worker.next().await;
    let (letter, _) = rig.take_dead(FLOW, 1).await.remove(0);
    assert_eq!(letter.message_id, bad.message_id);
    rig.wait_for_messages(FLOW.name, 0).await;
    worker.stop().await;
    file.close().await.unwrap();
    rig.finish().await;
}

#[tokio::test]
async fn who_subscribes_while_messages_are_written_gets_all_of_them_in_order() {
    if is_distributed() {
        return;
    }
    let rig = Rig::start(&[FLOW]).await;
    let (broker, all) = (rig.broker(), (0..300).map(|number| message("a", number)).collect::<Vec<_>>());
    let publishing = tokio::spawn(async move {
        for some in all.chunks(20) {
            let outcomes = join_all(some.iter().map(|message| broker.publish(vec![message.clone()]))).await;
            assert!(outcomes.iter().all(|outcome| *outcome == [Ok(())]), "{outcomes:?}");
        }
    });
    let (mut next, mut most) = (0, 0);
    while next < 300 {
        most += 1;
        // What the last one had in hand comes again.
        let mut subscription = rig.broker().subscribe(&FLOW, 10).await.unwrap();
        for _ in 0..most.min(300 - next) {
            let delivery = in_time("a delivery", subscription.deliveries.recv()).await.unwrap();
            assert_eq!(delivery.envelope.received_seq, Some(next));
            delivery.settle(Settlement::Done);
            next += 1;
        }
        subscription.finish().await;
    }
    publishing.await.unwrap();
    rig.wait_for_messages(FLOW.name, 0).await;
    rig.finish().await;
}
