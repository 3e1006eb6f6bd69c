//! What was handled before is not handled again.

use std::time::Duration;

use scrm_db::inbox;
use scrm_kernel::MessageId;

use crate::support::TestDb;

#[tokio::test]
async fn a_message_enters_once_for_each_consumer() {
    let test = TestDb::open().await;
    let message = MessageId::mint(test.clock().now());

    let rolled_back = test.db.begin().await.unwrap();
    assert!(inbox::enter(&rolled_back, "leads.contact", message).await.unwrap());
    drop(rolled_back);

    let txn = test.db.begin().await.unwrap();
    assert!(inbox::enter(&txn, "leads.contact", message).await.unwrap());
    assert!(!inbox::enter(&txn, "leads.contact", message).await.unwrap());
    txn.commit().await.unwrap();
    assert!(inbox::has_entered(test.db.reader(), "leads.contact", message).await.unwrap());
    assert!(!inbox::has_entered(test.db.reader(), "customers.contact", message).await.unwrap());

    let txn = test.db.begin().await.unwrap();
    assert!(!inbox::enter(&txn, "leads.contact", message).await.unwrap());
    assert!(inbox::enter(&txn, "customers.contact", message).await.unwrap());
    txn.commit().await.unwrap();
    test.finish().await;
}

#[tokio::test]
async fn what_was_handled_long_ago_is_forgotten() {
    let test = TestDb::open().await;
    let (old, new) = (MessageId::mint(test.clock().now()), MessageId::mint(test.clock().now()));
    for message in [old, new] {
        let txn = test.db.begin().await.unwrap();
        inbox::enter(&txn, "leads.contact", message).await.unwrap();
        txn.commit().await.unwrap();
        test.clock().advance(Duration::from_secs(1));
    }
    let between = test.clock().now() - Duration::from_secs(1);
    assert_eq!(inbox::forget_before(test.db.writer(), between).await.unwrap(), 1);
    let txn = test.db.begin().await.unwrap();
    assert!(inbox::enter(&txn, "leads.contact", old).await.unwrap());
    assert!(!inbox::enter(&txn, "leads.contact", new).await.unwrap());
    drop(txn);
    test.finish().await;
}
