//! Brokers and databases that go away at a bad moment.

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::ConnectionTrait as _;

use crate::support::{FLOW, Rig, Step, effects_of, eventually, message, messages};

#[tokio::test]
async fn a_broker_that_is_killed_mid_flow_loses_and_doubles_nothing() {
    let mut rig = Rig::start_alone(&[FLOW]).await;
    let worker = rig.consume(FLOW, |_| Step::Handle);
    let published = messages(20, 2000);
    let relay = rig.publish_meanwhile(published.chunks(50).map(<[_]>::to_vec).collect());
    eventually("the flow has begun", async || rig.handled(FLOW).await >= 300).await;

    rig.kill_broker().await;
    relay.await.unwrap();
    rig.wait_for_handled(FLOW, 2000).await;
    rig.wait_for_messages(FLOW.name, 0).await;
    assert_eq!(rig.effects(FLOW).await, effects_of(&published));
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_waited_for() {
    let rig = Rig::start(&[FLOW]).await;
    let rename = async |from: &str, to: &str| {
        rig.db.writer().execute_unprepared(&format!("ALTER TABLE {from} RENAME TO {to}")).await.unwrap();
    };
    rename("inbox", "away").await;
    let mut worker = rig.consume(FLOW, |_| Step::Handle);
    rig.publish(vec![message("a", 1)]).await;
    rename("away", "inbox").await;

    assert_eq!(worker.next().await.envelope.attempt, 0);
    rig.wait_for_handled(FLOW, 1).await;
    worker.stop().await;
    rig.finish().await;
}

#[tokio::test]
async fn a_database_that_goes_away_under_a_handler_uses_up_no_attempt() {
    let mut rig = Rig::start(&[FLOW]).await;
    let (db, lost) = (rig.db.clone(), AtomicBool::new(false));
    let mut worker = rig.consume(FLOW, move |_| {
        assert!(!lost.swap(true, Ordering::SeqCst), "nothing is handled without a database");
        Step::LoseDatabase(db.clone())
    });
    rig.publish(vec![message("a", 1)]).await;
    worker.next().await;
    worker.stop().await;

    rig.reopen_db().await;
    let mut worker = rig.consume(FLOW, |_| Step::Handle);
    assert_eq!(worker.next().await.envelope.attempt, 0);
    rig.wait_for_handled(FLOW, 1).await;
    worker.stop().await;
    rig.finish().await;
}
