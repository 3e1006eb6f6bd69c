//! A request that is sent again is done once.

use std::time::Duration;

use futures::future::join_all;
use scrm_db::idempotency::{self, Answer, Begun, RequestHash};
use scrm_db::{Db, Txn};
use scrm_kernel::{CorpId, Lifecycle};
use scrm_testing::eventually;
use sea_orm::{ConnectionTrait as _, DbErr, Statement};

use crate::support::TestDb;

const SCOPE: &str = "POST /people li.lei";

fn hash(request: &str) -> RequestHash {
    RequestHash::of(&request).unwrap()
}

fn answer(body: &str) -> Answer {
    Answer { status: 201, body: body.as_bytes().to_vec() }
}

async fn begin(txn: &Txn, corp: CorpId, key: &str) -> Begun {
    idempotency::begin_or_replay(txn, corp, SCOPE, key, hash("a person")).await.unwrap()
}

/// Creates a numbered row as a use case does; returns the answer, and whether it is a repeated one.
async fn create(db: Db, corp: CorpId, key: &str, number: i64) -> Result<(Answer, bool), DbErr> {
    let txn = db.begin().await?;
    let claim = match begin(&txn, corp, key).await {
        Begun::Fresh(claim) => claim,
        Begun::Replay(answer) => return Ok((answer, true)),
        Begun::Conflict => panic!("it is the same request"),
    };
    txn.execute_unprepared(&format!("INSERT INTO numbered VALUES ({number}, 0)")).await?;
    let answer = answer(&number.to_string());
    claim.record(&txn, answer.clone()).await?;
    txn.commit().await?;
    Ok((answer, false))
}

async fn rows(db: &Db) -> i64 {
    let statement = Statement::from_string(
        db.writer().get_database_backend(),
        "SELECT count(*) AS number FROM numbered".to_owned(),
    );
    db.reader().query_one_raw(statement).await.unwrap().unwrap().try_get("", "number").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_requests_at_once_with_one_key_one_is_done_and_all_get_its_answer() {
    let test = TestDb::open().await;
    let requests = (0..32).map(|number| tokio::spawn(create(test.db.clone(), test.corp, "key", number)));
    let answers: Vec<_> =
        join_all(requests).await.into_iter().map(|answer| answer.unwrap().unwrap()).collect();
    assert_eq!(rows(&test.db).await, 1);
    assert_eq!(answers.iter().filter(|(_, repeated)| !repeated).count(), 1);
    assert!(answers.iter().all(|(answer, _)| *answer == answers[0].0), "{answers:?}");
    test.finish().await;
}

#[tokio::test]
async fn another_key_scope_or_corp_is_another_request() {
    let test = TestDb::open().await;
    let other = CorpId::mint(test.clock().now());
    create(test.db.clone(), test.corp, "key", 1).await.unwrap();
    let txn = test.db.begin().await.unwrap();
    assert!(matches!(begin(&txn, test.corp, "key").await, Begun::Replay(found) if found == answer("1")));
    assert!(matches!(begin(&txn, test.corp, "KEY").await, Begun::Fresh(_)));
    assert!(matches!(begin(&txn, other, "key").await, Begun::Fresh(_)));
    let scope = "POST /people han.meimei";
    let elsewhere = idempotency::begin_or_replay(&txn, test.corp, scope, "key", hash("a person")).await;
    assert!(matches!(elsewhere.unwrap(), Begun::Fresh(_)));
    drop(txn);
    test.finish().await;
}

#[tokio::test]
async fn a_key_used_for_something_else_is_a_conflict() {
    let test = TestDb::open().await;
    create(test.db.clone(), test.corp, "key", 1).await.unwrap();
    let txn = test.db.begin().await.unwrap();
    let other = idempotency::begin_or_replay(&txn, test.corp, SCOPE, "key", hash("another person")).await;
    assert!(matches!(other.unwrap(), Begun::Conflict));
    drop(txn);
    test.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_fails_leaves_its_key_to_the_next_one() {
    let test = TestDb::open().await;
    let failing = test.db.begin().await.unwrap();
    assert!(matches!(begin(&failing, test.corp, "key").await, Begun::Fresh(_)));
    // It waits for the one that fails.
    let next = tokio::spawn(create(test.db.clone(), test.corp, "key", 2));
    drop(failing);
    assert_eq!(next.await.unwrap().unwrap(), (answer("2"), false));
    test.finish().await;
}

#[tokio::test]
async fn an_answer_that_was_not_recorded_is_an_error_and_not_an_empty_answer() {
    let test = TestDb::open().await;
    let txn = test.db.begin().await.unwrap();
    assert!(matches!(begin(&txn, test.corp, "key").await, Begun::Fresh(_)));
    txn.commit().await.unwrap();
    let txn = test.db.begin().await.unwrap();
    let again = idempotency::begin_or_replay(&txn, test.corp, SCOPE, "key", hash("a person")).await;
    assert!(again.unwrap_err().to_string().contains("without recording"));
    drop(txn);
    test.finish().await;
}

#[tokio::test]
async fn answers_are_forgotten_after_a_week() {
    let test = TestDb::open().await;
    let lifecycle = Lifecycle::new();
    create(test.db.clone(), test.corp, "old", 1).await.unwrap();
    test.clock().advance(Duration::from_hours(7 * 24));
    create(test.db.clone(), test.corp, "new", 2).await.unwrap();
    test.clock().advance(Duration::from_millis(1));
    scrm_db::retention::start_answers(&test.db, &lifecycle);
    eventually("the old key is forgotten", async || {
        let txn = test.db.begin().await.unwrap();
        matches!(begin(&txn, test.corp, "old").await, Begun::Fresh(_)).then_some(())
    })
    .await;
    let txn = test.db.begin().await.unwrap();
    assert!(matches!(begin(&txn, test.corp, "new").await, Begun::Replay(_)));
    drop(txn);
    lifecycle.stop();
    assert!(lifecycle.finish(Duration::from_secs(10)).await);
    test.finish().await;
}
