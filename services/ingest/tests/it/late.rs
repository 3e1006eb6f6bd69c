//! Callbacks whose time is not ours.

use std::time::Duration;

use scrm_proto::wecom::v1::ContactAdded;

use crate::support::{TestIngest, added};

#[tokio::test]
async fn stale_and_future_callbacks_are_refused_and_kept_as_late() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    let signed_at = [
        (now - Duration::from_secs(601)).timestamp().to_string(),
        (now + Duration::from_secs(601)).timestamp().to_string(),
        "0".to_owned(),
        "-1".to_owned(),
        "soon".to_owned(),
        "253402300800".to_owned(),
        "9999999999999".to_owned(),
        "9223372036854775807".to_owned(),
        "99999999999999999999999".to_owned(),
    ];
    for (number, second) in signed_at.iter().enumerate() {
        let message = added("add_external_contact", "LiLei", &format!("wm{number}"), now);
        let reply = ingest.call(&wecom.sealed(second, "n", &wecom.encrypted(message.as_bytes()))).await;
        assert_eq!((reply.status, reply.body.len()), (403, 0), "{second}");
    }
    let late = ingest.callbacks("state=late").await;
    assert_eq!(late.len(), signed_at.len());
    for row in &late {
        assert!(row["state"] == "late" && row["kind"].is_null() && row["processed_at"].is_null(), "{row}");
    }

    // Whatever comes in time is processed, and the late ones still are not.
    for edge in [now - Duration::from_mins(10), now + Duration::from_mins(10)] {
        let message = added("add_external_contact", "LiLei", &format!("wm{}", edge.timestamp()), now);
        ingest.take(&wecom.callback(edge, message)).await;
    }
    assert_eq!(ingest.processed().await.len(), 2);
    assert_eq!(ingest.broker.published::<ContactAdded>().len(), 2);
    assert_eq!(ingest.callbacks("state=late").await.len(), signed_at.len());
    ingest.finish().await;
}

#[tokio::test]
async fn a_late_callback_that_comes_again_in_time_is_published_once() {
    let (ingest, wecom) = TestIngest::connected().await;
    let now = ingest.clock.now();
    let message = added("add_external_contact", "LiLei", "wm1", now);
    let stale = wecom.callback(now - Duration::from_hours(1), &message);
    for _ in 0..2 {
        assert_eq!(ingest.call(&stale).await.status, 403);
    }
    for _ in 0..2 {
        ingest.take(&wecom.callback(now, &message)).await;
    }
    let rows = ingest.processed().await;
    assert_eq!((rows.len(), &rows[0]["kind"]), (1, &"contact_added".into()));
    assert!(ingest.callbacks("state=late").await.is_empty());

    // Once it is processed, a stale copy changes nothing, though it is still refused.
    assert_eq!(ingest.call(&stale).await.status, 403);
    assert_eq!(ingest.processed().await, rows);
    assert_eq!(ingest.broker.published::<ContactAdded>().len(), 1);
    ingest.finish().await;
}
