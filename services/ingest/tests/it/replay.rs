//! Callbacks that are published once more.

use std::time::Duration;

use reqwest::Method;
use scrm_kernel::CorpId;
use scrm_proto::wecom::v1::ContactAdded;
use scrm_testing::eventually;
use serde_json::{Value, json};

use crate::support::{TestIngest, added, message_id_of};

async fn replay(ingest: &TestIngest, seq: &Value) -> (u16, Value) {
    ingest.admin().post(&format!("/api/v1/ingest/callbacks/{seq}/replay"), &json!({})).await
}

#[tokio::test]
async fn a_late_callback_that_is_replayed_is_processed_like_any_other() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    let message = added("add_external_contact", "LiLei", "wm1", now);
    assert_eq!(ingest.call(&wecom.callback(now - Duration::from_hours(1), &message)).await.status, 403);
    let late = ingest.callbacks("state=late").await;
    let (status, callback) = replay(&ingest, &late[0]["seq"]).await;
    assert_eq!((status, &callback["state"]), (200, &json!("stored")), "{callback}");
    assert_eq!(ingest.processed().await[0]["kind"], "contact_added");

    let published = ingest.broker.published::<ContactAdded>();
    assert_eq!(published.len(), 1);
    let (envelope, event) = &published[0];
    assert_eq!(envelope.replay_of, Some(message_id_of(&message)));
    assert_ne!(envelope.message_id, message_id_of(&message));
    assert_eq!(event.external_user_id, "wm1");
    // A copy that comes in time is known.
    ingest.take(&wecom.callback(now, &message)).await;
    assert_eq!(ingest.processed().await.len(), 1);
    assert_eq!(ingest.broker.published::<ContactAdded>().len(), 1);
    ingest.finish().await;
}

#[tokio::test]
async fn a_processed_callback_is_published_once_more_under_another_id_each_time() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    let message = added("add_external_contact", "LiLei", "wm1", now);
    ingest.take(&wecom.callback(now, &message)).await;
    let seq = ingest.processed().await[0]["seq"].clone();
    for times in 2..=3 {
        assert_eq!(replay(&ingest, &seq).await.0, 200);
        ingest.processed().await;
        eventually("it is published", async || {
            (ingest.broker.published::<ContactAdded>().len() == times).then_some(())
        })
        .await;
    }
    let mut ids: Vec<_> =
        ingest.broker.published::<ContactAdded>().iter().map(|(told, _)| told.message_id).collect();
    ids.dedup();
    assert_eq!((ids.len(), ids[0]), (3, message_id_of(&message)));
    ingest.finish().await;
}

#[tokio::test]
async fn what_cannot_be_parsed_is_replayed_with_the_same_problem() {
    let (ingest, wecom) = TestIngest::connected().await;
    ingest.take(&wecom.callback(ingest.clock.now(), "<xml><ToUserName>")).await;
    let before = ingest.processed().await;
    assert!(before[0]["problem"].is_string(), "{before:?}");
    let (status, callback) = replay(&ingest, &before[0]["seq"]).await;
    assert_eq!((status, &callback["problem"]), (200, &Value::Null));
    assert_eq!(ingest.processed().await, before);
    let letters = ingest.letters("").await;
    assert_eq!(
        (letters.len(), &letters[0]["deaths"], &letters[0]["state"]),
        (1, &json!(2), &json!("waiting"))
    );
    ingest.finish().await;
}

#[tokio::test]
async fn a_body_is_kept_for_a_month_and_a_copy_is_known_for_a_year() {
    const DAY: Duration = Duration::from_hours(24);
    let (ingest, wecom) = TestIngest::connected().await;
    let message = added("add_external_contact", "LiLei", "wm1", ingest.clock.now());
    ingest.take(&wecom.callback(ingest.clock.now(), &message)).await;
    let seq = ingest.processed().await[0]["seq"].clone();
    assert_eq!(ingest.bodies().await, 1);

    ingest.clock.advance(DAY * 31);
    eventually("the body is forgotten", async || {
        ingest.clock.advance(Duration::from_hours(1));
        (ingest.bodies().await == 0).then_some(())
    })
    .await;
    let (status, problem) = replay(&ingest, &seq).await;
    assert_eq!((status, &problem["code"]), (409, &json!("callback_forgotten")));
    ingest.take(&wecom.callback(ingest.clock.now(), &message)).await;
    assert_eq!(ingest.processed().await.len(), 1);

    ingest.clock.advance(DAY * 370);
    eventually("the row is forgotten", async || {
        ingest.clock.advance(Duration::from_hours(1));
        ingest.callbacks("").await.is_empty().then_some(())
    })
    .await;
    assert_eq!(ingest.broker.published::<ContactAdded>().len(), 1);
    ingest.finish().await;
}

#[tokio::test]
async fn nobody_else_replays_a_callback() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    ingest.take(&wecom.callback(now, added("add_external_contact", "LiLei", "wm1", now))).await;
    let seq = &ingest.processed().await[0]["seq"];
    let path = format!("/api/v1/ingest/callbacks/{seq}/replay");
    let other = ingest.server.admin(CorpId::mint(now));
    let (status, problem) = other.post(&path, &json!({})).await;
    assert_eq!((status, &problem["code"]), (404, &json!("callback_not_found")));
    assert_eq!(ingest.server.stranger().send(Method::POST, &path, "").await.status, 401);
    ingest.finish().await;
}

#[tokio::test]
async fn what_was_published_is_published_again_with_the_same_id() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    let message = added("add_external_contact", "LiLei", "wm1", now);
    ingest.take(&wecom.callback(now, &message)).await;
    ingest.processed().await;
    ingest.clock.advance(Duration::from_secs(1));
    let since = json!({"since": now.to_rfc3339()});
    let (status, answer) = ingest.admin().post("/api/v1/ingest/republish", &since).await;
    assert_eq!((status, answer), (200, json!({"republished": 1})));
    let published = eventually("it is published again", async || {
        Some(ingest.broker.published::<ContactAdded>()).filter(|published| published.len() == 2)
    })
    .await;
    for (envelope, _) in published {
        assert_eq!((envelope.message_id, envelope.replay_of), (message_id_of(&message), None));
    }
    ingest.finish().await;
}
