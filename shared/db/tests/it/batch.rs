//! Group commit: everybody is answered, after the commit, and only who failed fails.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use scrm_db::{BatchWrite, Batcher, Db, Txn};
use sea_orm::{ConnectionTrait as _, DbErr, Statement};

use crate::support::TestDb;

/// Adds numbers and answers with their doubles; a number that is there is an error.
#[derive(Clone, Default)]
struct Adding {
    groups: Arc<Mutex<Vec<usize>>>,
    refused: Arc<Mutex<Vec<i64>>>,
    period: Duration,
}

#[async_trait]
impl BatchWrite for Adding {
    type Op = i64;
    type Out = i64;

    async fn write(&self, txn: &Txn, numbers: &[i64]) -> Result<Vec<i64>, DbErr> {
        for number in numbers {
            txn.execute_unprepared(&format!("INSERT INTO numbered VALUES ({number}, 0)")).await?;
        }
        Ok(numbers.iter().map(|number| number * 2).collect())
    }

    fn period(&self, _: &Db) -> Duration {
        self.period
    }

    fn committed(&self, numbers: &[i64]) {
        self.groups.lock().unwrap().push(numbers.len());
    }

    fn refused(&self, number: &i64) {
        self.refused.lock().unwrap().push(*number);
    }
}

async fn stored(test: &TestDb) -> i64 {
    let reader = test.db.reader();
    let count = Statement::from_string(reader.get_database_backend(), "SELECT count(*) AS n FROM numbered");
    reader.query_one_raw(count).await.unwrap().unwrap().try_get("", "n").unwrap()
}

#[tokio::test]
async fn two_hundred_at_once_are_all_answered_each_with_its_own_answer() {
    let test = TestDb::open().await;
    let writer = Adding::default();
    let batcher = Batcher::start(test.db.clone(), writer.clone(), 64);
    let answers = join_all((0..200).map(|number| batcher.put(number))).await;
    for (number, answer) in (0..200).zip(answers) {
        assert_eq!(answer.unwrap(), number * 2);
    }
    assert_eq!(stored(&test).await, 200);
    let groups = writer.groups.lock().unwrap().clone();
    assert_eq!(groups.iter().sum::<usize>(), 200);
    assert!(groups.len() < 50 && groups.iter().all(|group| *group <= 64), "{groups:?}");
    test.finish().await;
}

#[tokio::test]
async fn one_that_fails_in_a_group_fails_alone() {
    let test = TestDb::open().await;
    let writer = Adding::default();
    let batcher = Batcher::start(test.db.clone(), writer.clone(), 64);
    batcher.put(7).await.unwrap();
    let answers = join_all((0..40).map(|number| batcher.put(number))).await;
    for (number, answer) in (0..40).zip(answers) {
        assert_eq!(answer.is_ok(), number != 7, "{number}: {answer:?}");
    }
    assert_eq!(*writer.refused.lock().unwrap(), [7]);
    assert_eq!(stored(&test).await, 40);
    test.finish().await;
}

#[tokio::test]
async fn a_group_waits_for_its_turn_or_until_as_many_wait_as_may_share_it() {
    let test = TestDb::open().await;
    let writer = Adding { period: Duration::from_hours(1), ..Adding::default() };
    let batcher = Batcher::start(test.db.clone(), writer.clone(), 4);
    batcher.put(1).await.unwrap();
    let answers = join_all((2..6).map(|number| batcher.put(number))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(*writer.groups.lock().unwrap(), [1, 4], "the first one at once, the others together");
    test.finish().await;
}

#[tokio::test]
async fn what_was_put_is_written_whether_or_not_anybody_waits_for_it() {
    let test = TestDb::open().await;
    let batcher = Batcher::start(test.db.clone(), Adding::default(), 64);
    drop(batcher.place().await.unwrap().put(1));
    assert_eq!(batcher.place().await.unwrap().put(2).await.unwrap(), 4);
    assert_eq!(stored(&test).await, 2);
    test.finish().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_nobody_along() {
    let test = TestDb::open().await;
    let batcher = Batcher::start(test.db.clone(), Adding::default(), 64);
    let gone = tokio::spawn({
        let batcher = batcher.clone();
        async move { batcher.put(1).await }
    });
    gone.abort();
    batcher.put(2).await.unwrap();
    test.finish().await;
}
