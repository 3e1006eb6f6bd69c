//! What is old enough is forgotten, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scrm_db::{Outbox, Publish, PublishError, Relay, inbox, outbox, retention};
use scrm_kernel::{Lifecycle, MessageId};
use scrm_proto::Envelope;
use scrm_testing::eventually;
use sea_orm::{ConnectionTrait as _, Statement};

use crate::support::TestDb;

const CONSUMER: &str = "leads.contact";
const DAY: Duration = Duration::from_hours(24);
const MOMENT: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(10);

/// A broker that takes everything.
struct Taking;

#[async_trait]
impl Publish for Taking {
    async fn publish(&self, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
        messages.iter().map(|_| Ok(())).collect()
    }
}

/// Tells of a lead and sends that.
async fn send(test: &TestDb, lead: &str) {
    let lifecycle = Lifecycle::new();
    let relay = Relay::new(Outbox::of(test.db.clone()), Arc::new(Taking));
    lifecycle.spawn("relay", relay.run(lifecycle.clone()));
    test.tell(&[lead]).await;
    let sent = async || (outbox::waiting(test.db.reader()).await.unwrap() == 0).then_some(());
    eventually("it is marked as sent", sent).await;
    stop(lifecycle).await;
}

async fn stop(lifecycle: Lifecycle) {
    lifecycle.stop();
    assert!(lifecycle.finish(PATIENCE).await);
}

/// Notes a message as handled.
async fn handle(test: &TestDb) -> MessageId {
    let message = MessageId::mint(test.clock().now());
    let txn = test.db.begin().await.unwrap();
    assert!(inbox::enter(&txn, CONSUMER, message).await.unwrap());
    txn.commit().await.unwrap();
    message
}

async fn is_handled(test: &TestDb, message: MessageId) -> bool {
    inbox::has_entered(test.db.reader(), CONSUMER, message).await.unwrap()
}

/// Returns the leads that the outbox tells of, in order.
async fn outbox(test: &TestDb) -> Vec<String> {
    let backend = test.db.reader().get_database_backend();
    let statement = Statement::from_string(backend, "SELECT key FROM outbox ORDER BY seq");
    let rows = test.db.reader().query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get("", "key").unwrap()).collect()
}

#[tokio::test]
async fn what_was_sent_is_kept_for_a_week_and_what_was_handled_for_a_month() {
    let test = TestDb::open().await;
    send(&test, "old").await;
    let old = handle(&test).await;
    test.clock().advance(MOMENT);
    send(&test, "new").await;
    let new = handle(&test).await;
    test.tell(&["unsent"]).await;

    test.clock().advance(7 * DAY);
    retention::sweep(&test.db).await.unwrap();
    assert_eq!(outbox(&test).await, ["new", "unsent"]);
    assert!(is_handled(&test, old).await && is_handled(&test, new).await);

    test.clock().advance(23 * DAY);
    let lifecycle = Lifecycle::new();
    retention::start(&test.db, &lifecycle);
    eventually("the job has swept", async || (!is_handled(&test, old).await).then_some(())).await;
    assert!(is_handled(&test, new).await);
    assert_eq!(outbox(&test).await, ["unsent"]);
    stop(lifecycle).await;
    test.finish().await;
}
