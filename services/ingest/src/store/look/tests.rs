//! A subject waits at most once, and no hint gets lost.

use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::{CorpId, WecomUserId};
use scrm_testing::TestDatabase;

use super::*;
use crate::domain::look::Urgency;
use crate::migration::Migrator;

struct Looks {
    db: Db,
    database: TestDatabase,
    corp: CorpId,
}

impl Looks {
    async fn new() -> Self {
        let database = TestDatabase::new("ingest").await;
        let clock = scrm_testing::clock();
        let corp = CorpId::mint(clock.now());
        Self { db: Db::open::<Migrator>(database.database(), clock).await.unwrap(), database, corp }
    }

    async fn want(&self, subject: Subject, urgency: Urgency) {
        let txn = self.db.begin().await.unwrap();
        want(&txn, &[Wanted { corp: self.corp, app: None, subject, urgency }]).await.unwrap();
        txn.commit().await.unwrap();
    }

    async fn hint(&self, user: &str) {
        self.want(Subject::Member(WecomUserId::parse(user).unwrap()), Urgency::Fresh).await;
    }

    async fn taken(&self) -> Vec<Taken> {
        take(&self.db, 10).await.unwrap()
    }

    async fn taken_one(&self) -> Taken {
        let mut taken = self.taken().await;
        assert_eq!(taken.len(), 1, "{taken:?}");
        taken.remove(0)
    }

    async fn done(&self, look: &Taken) -> bool {
        let txn = self.db.begin().await.unwrap();
        let done = done(&txn, look).await.unwrap();
        txn.commit().await.unwrap();
        done
    }

    fn advance(&self, by: Duration) {
        self.db.clock().advance(by);
    }

    async fn finish(self) {
        self.db.close().await.unwrap();
        self.database.finish().await;
    }
}

#[tokio::test]
async fn hints_about_one_subject_are_one_look() {
    let looks = Looks::new().await;
    looks.hint("LiLei").await;
    looks.hint("lilei").await;
    let look = looks.taken_one().await;
    assert!(looks.done(&look).await);
    assert_eq!(looks.taken().await, Vec::new());
    looks.hint("LiLei").await;
    assert_eq!(looks.taken_one().await.seq, look.seq);
    looks.finish().await;
}

#[tokio::test]
async fn a_hint_while_the_subject_is_read_is_one_more_look() {
    let looks = Looks::new().await;
    looks.hint("LiLei").await;
    let look = looks.taken_one().await;
    for _ in 0..5 {
        looks.hint("LiLei").await;
    }
    assert_eq!(looks.taken().await, Vec::new(), "nobody else reads it at the same time");
    assert!(looks.done(&look).await);
    let again = looks.taken_one().await;
    assert!(looks.done(&again).await);
    assert_eq!(looks.taken().await, Vec::new());
    looks.finish().await;
}

#[tokio::test]
async fn what_a_dead_process_took_is_taken_again_and_settled_once() {
    let looks = Looks::new().await;
    looks.hint("LiLei").await;
    let lost = looks.taken_one().await;
    looks.advance(LEASE);
    let look = looks.taken_one().await;
    assert_eq!(look.attempts, 2);
    assert!(!looks.done(&lost).await, "its lease is over");
    assert!(looks.done(&look).await);
    looks.finish().await;
}

#[tokio::test]
async fn a_look_that_was_put_off_waits_and_one_that_was_refused_waits_for_a_hint() {
    let looks = Looks::new().await;
    looks.hint("LiLei").await;
    let look = looks.taken_one().await;
    let txn = looks.db.begin().await.unwrap();
    assert!(put_off(&txn, &look, txn.now() + Duration::from_mins(1), "busy").await.unwrap());
    txn.commit().await.unwrap();
    looks.hint("LiLei").await;
    assert_eq!(looks.taken().await, Vec::new());

    looks.advance(Duration::from_mins(1));
    let look = looks.taken_one().await;
    let txn = looks.db.begin().await.unwrap();
    assert!(refuse(&txn, &look, "40003").await.unwrap());
    txn.commit().await.unwrap();
    looks.advance(LEASE);
    assert_eq!(looks.taken().await, Vec::new());
    let row = Entity::find_by_id(look.seq).one(looks.db.reader()).await.unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.problem.as_deref()), (REFUSED, Some("40003")));

    looks.hint("LiLei").await;
    assert_eq!(looks.taken_one().await.attempts, 1);
    looks.finish().await;
}

#[tokio::test]
async fn what_has_just_happened_is_read_before_stock() {
    let looks = Looks::new().await;
    looks.want(Subject::Tags, Urgency::Stock).await;
    looks.want(Subject::Departments, Urgency::Stock).await;
    looks.advance(Duration::from_secs(1));
    looks.hint("LiLei").await;
    looks.want(Subject::Departments, Urgency::Fresh).await;
    let kinds: Vec<_> = looks.taken().await.iter().map(|look| look.subject.kind()).collect();
    assert_eq!(kinds, ["departments", "member", "tags"]);
    looks.finish().await;
}
