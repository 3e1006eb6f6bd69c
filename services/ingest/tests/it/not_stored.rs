//! What is authentic and cannot be stored: its sender is told so, and sends it again.

use serde_json::json;

use crate::support::{TestIngest, Wecom, added};

#[tokio::test]
async fn what_cannot_be_stored_is_not_answered_with_success_and_is_taken_when_it_comes_again() {
    let (ingest, wecom) = TestIngest::connected().await;
    let sender = ingest.sender_with("site", json!({"name": "官网表单", "group": "华东"})).await;
    let now = ingest.clock.now();
    let callback = wecom.callback(now, added("add_external_contact", "LiLei", "wm1", now));
    let hook = sender.hook(now, "1", r#"{"name": "王芳", "phone": "13800138000"}"#);

    ingest.lose_tables(true).await;
    let refused = ingest.call(&callback).await;
    assert_eq!((refused.status, refused.body.len()), (503, 0), "{refused:?}");
    let refused = sender.send(&hook).await;
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("not_stored")));
    // A stranger learns nothing of it.
    let forged = Wecom::of("demo", 9).callback(now, "<xml/>");
    assert_eq!(ingest.call(&forged).await.status, 403);

    ingest.lose_tables(false).await;
    ingest.take(&callback).await;
    sender.submit(&hook).await;
    let rows = ingest.processed().await;
    assert_eq!((rows.len(), &rows[0]["kind"]), (1, &json!("contact_added")));
    ingest.finish().await;
}
