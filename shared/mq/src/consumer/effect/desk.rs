//! Where claims, or records, wait for a transaction that they share.

use std::collections::VecDeque;
use std::mem::replace;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scrm_db::Db;
use scrm_kernel::Pace;
use sea_orm::DbErr;
use tokio::sync::{Notify, oneshot};

use crate::consumer::together::{Fate, GROUP, Part, act_together};

/// Whoever gets the turn does the parts of all who wait, so that a hundred messages in hand do not mean a hundred
/// transactions: one after the other at the one writer of SQLite, and a flush and a dozen round trips each on PostgreSQL.
pub(super) struct Desk<P: Part> {
    waiting: Mutex<VecDeque<Waiter<P>>>,
    /// So many begin a transaction at once.
    enough: usize,
    /// Wakes whoever has the turn when so many wait.
    are_enough: Notify,
    turn: tokio::sync::Mutex<Turn>,
}

/// What whoever has the turn goes by.
struct Turn {
    pace: Pace,
    /// Whether a transaction ended before it came to all who waited: the next one begins at once.
    is_behind: bool,
}

struct Waiter<P: Part> {
    part: P,
    answer: oneshot::Sender<Result<Fate<P::Out>, DbErr>>,
}

impl<P: Part> Waiter<P> {
    fn tell(self, answer: Result<Fate<P::Out>, DbErr>) {
        // Who has gone away does not need it.
        self.answer.send(answer).ok();
    }
}

impl<P: Part> Desk<P> {
    /// Makes one for a consumer with at most `concurrency` messages in hand, whose transactions begin at a pace, or once
    /// a quarter of those messages wait: it must not be the pace that keeps the others from being begun.
    pub(super) fn at(pace: Pace, concurrency: usize) -> Self {
        let turn = tokio::sync::Mutex::new(Turn { pace, is_behind: false });
        let enough = (concurrency / 4).clamp(1, GROUP);
        Self { waiting: Mutex::default(), enough, are_enough: Notify::new(), turn }
    }

    /// Has a part done. An error means that the database did not begin or commit it, as far as is known.
    pub(super) async fn act(&self, db: &Db, queue: &str, part: P) -> Result<Fate<P::Out>, DbErr> {
        let (answer, mut answered) = oneshot::channel();
        let waiting = {
            let mut waiting = self.waiting();
            waiting.push_back(Waiter { part, answer });
            waiting.len()
        };
        if waiting >= self.enough {
            self.are_enough.notify_one();
        }
        let mut turn = tokio::select! {
            biased;
            answer = &mut answered => return answer.unwrap_or_else(|_| Err(lost())),
            turn = self.turn.lock() => turn,
        };
        loop {
            match answered.try_recv() {
                Ok(answer) => return answer,
                Err(oneshot::error::TryRecvError::Closed) => return Err(lost()),
                Err(oneshot::error::TryRecvError::Empty) => {
                    let is_behind = turn.is_behind;
                    let hurry = async {
                        while !is_behind && self.waiting().len() < self.enough {
                            self.are_enough.notified().await;
                        }
                    };
                    turn.pace.turn(hurry).await;
                    turn.is_behind = self.act_for_some(db, queue).await;
                }
            }
        }
    }

    /// Does the parts of those who have waited longest, and reports whether it did not come to all of them.
    async fn act_for_some(&self, db: &Db, queue: &str) -> bool {
        let mut some = {
            let mut waiting = self.waiting();
            let most = waiting.len().min(GROUP);
            let rest = waiting.split_off(most);
            replace(&mut *waiting, rest)
        };
        match act_together(db, queue, some.iter().map(|waiter| &waiter.part), false, || false).await {
            Ok(fates) => {
                let rest = some.split_off(fates.len());
                for (waiter, (fate, _)) in some.into_iter().zip(fates) {
                    waiter.tell(Ok(fate));
                }
                // The time of the transaction was over; they go first in the next one.
                let (mut waiting, is_behind) = (self.waiting(), !rest.is_empty());
                rest.into_iter().rev().for_each(|waiter| waiting.push_front(waiter));
                is_behind
            }
            Err(error) if some.len() > 1 => {
                tracing::info!(queue, error = %error, "Transaction of several messages failed, trying them alone");
                act_one_by_one(db, queue, some).await;
                false
            }
            Err(error) => {
                if let Some(waiter) = some.pop_front() {
                    waiter.tell(Err(error));
                }
                false
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiter<P>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives each part a transaction of its own, so that a bad one harms only itself; not when the database is down.
async fn act_one_by_one<P: Part>(db: &Db, queue: &str, waiting: VecDeque<Waiter<P>>) {
    let mut problem = None;
    for waiter in waiting {
        let answer = match &problem {
            Some(problem) => Err(DbErr::Custom(String::clone(problem))),
            None => alone(db, queue, &waiter.part).await,
        };
        if let Err(error) = &answer {
            problem.get_or_insert_with(|| error.to_string());
        }
        waiter.tell(answer);
    }
}

/// Does a part in a transaction of its own.
pub(super) async fn alone<P: Part>(db: &Db, queue: &str, part: &P) -> Result<Fate<P::Out>, DbErr> {
    let mut fates = act_together(db, queue, std::iter::once(part), false, || false).await?;
    fates.pop().map(|(fate, _)| fate).ok_or_else(lost)
}

/// Returns the error of a part that nobody did: whoever had the turn was ended.
fn lost() -> DbErr {
    DbErr::Custom("the transaction was given up".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use futures::future::join_all;
    use scrm_db::{Database, Txn};
    use scrm_kernel::time::from_millis;
    use scrm_kernel::{Clock, MessageId};
    use sea_orm_migration::{MigrationTrait, MigratorTrait};
    use tempfile::TempDir;

    use super::*;
    use crate::consumer::Failure;
    use crate::consumer::together::Keep;

    /// No tables are needed.
    struct Migrator;

    impl MigratorTrait for Migrator {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            Vec::new()
        }
    }

    /// Does nothing.
    struct Idle;

    #[async_trait]
    impl Part for Idle {
        type Out = ();

        fn message(&self) -> MessageId {
            MessageId::mint(from_millis(1))
        }

        fn may_be_handled(&self) -> bool {
            false
        }

        async fn act(&self, _: &Txn) -> Result<((), Keep), Failure> {
            Ok(((), Keep::Open))
        }
    }

    #[tokio::test]
    async fn a_transaction_waits_for_its_turn_or_until_a_quarter_of_all_wait() {
        let folder = TempDir::new().unwrap();
        let database = Database::File(folder.path().join("desk.db"));
        let db = Db::open::<Migrator>(&database, Clock::system()).await.unwrap();
        // Longer than any test.
        let desk = Desk::at(Pace::every(Duration::from_hours(1)), 16);
        let act = || desk.act(&db, "tests.queue", Idle);
        act().await.unwrap();
        let few = join_all((0..3).map(|_| act()));
        assert!(tokio::time::timeout(Duration::from_millis(50), few).await.is_err(), "they wait");
        // Those three are done with these, although nobody waits for them any more.
        act().await.unwrap();
        assert!(join_all((0..4).map(|_| act())).await.iter().all(Result::is_ok));
        db.close().await.unwrap();
    }
}
