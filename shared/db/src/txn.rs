//! Transactions: what they do, what they leave for others, and whether they can still be committed.

use std::collections::BTreeSet;
use std::mem::take;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use scrm_kernel::{Timestamp, crash};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
    sqlx,
};
use tokio::sync::OwnedMutexGuard;

use crate::outbox::{self, Written};
use crate::{Db, Violation};

/// A transaction; rolled back when it is dropped.
///
/// Never call WeCom, or any network, while one is open.
#[derive(Debug)]
pub struct Txn {
    inner: DatabaseTransaction,
    db: Db,
    left: Mutex<Left>,
    /// A statement failed, for whatever reason.
    has_failed: AtomicBool,
    /// One failed for a reason that is not its own.
    is_interrupted: AtomicBool,
    /// Given back after the connection.
    _turn: Option<OwnedMutexGuard<()>>,
}

/// Events that a transaction keeps at most.
const MANY: usize = 64;

/// What a transaction leaves for others to do.
#[derive(Debug, Default)]
struct Left {
    /// Events, written with the commit in one statement.
    events: Vec<Written>,
    /// Tables with rows that wait for somebody.
    tables: BTreeSet<&'static str>,
}

impl Txn {
    pub(crate) fn new(inner: DatabaseTransaction, db: Db) -> Self {
        Self {
            inner,
            db,
            left: Mutex::default(),
            has_failed: AtomicBool::new(false),
            is_interrupted: AtomicBool::new(false),
            _turn: None,
        }
    }

    /// Holds a turn until the transaction has ended.
    pub(crate) fn with_turn(self, turn: OwnedMutexGuard<()>) -> Self {
        Self { _turn: Some(turn), ..self }
    }

    /// Makes everything done so far durable and wakes those for whom rows wait now; an error if it is not
    /// [intact](Self::is_intact).
    pub async fn commit(self) -> Result<(), DbErr> {
        if !self.is_intact() {
            return Err(DbErr::Custom("a statement of the transaction has failed".to_owned()));
        }
        let Left { events, tables } = self.take_left();
        outbox::write(&self, events).await?;
        crash::point("txn.written");
        self.inner.commit().await?;
        crash::point("txn.committed");
        self.db.note_writing();
        for table in tables {
            self.db.wake(table);
        }
        Ok(())
    }

    /// Takes back everything done so far, and returns once that is so.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.inner.rollback().await
    }

    /// Reports whether what was done so far can still be committed: on PostgreSQL nothing can, once a statement failed.
    pub fn is_intact(&self) -> bool {
        self.db.is_sqlite() || !self.has_failed.load(Ordering::Relaxed)
    }

    /// Returns the present moment, by the clock of the database's rows.
    pub fn now(&self) -> Timestamp {
        self.db.clock().now()
    }

    /// Returns the constraint that a failed statement violated; see [`Db::violation`].
    pub fn violation(&self, error: &DbErr) -> Option<Violation> {
        self.db.violation(error)
    }

    /// Notes that the commit leaves rows in `table` that wait for somebody.
    pub fn will_wake(&self, table: &'static str) {
        self.left().tables.insert(table);
    }

    /// Keeps an event until the commit, which writes it; returns those to be written now if they have become many.
    pub(crate) fn tell(&self, event: Written) -> Vec<Written> {
        let mut left = self.left();
        left.tables.insert(outbox::TABLE);
        left.events.push(event);
        if left.events.len() >= MANY { take(&mut left.events) } else { Vec::new() }
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_left(&self) -> Left {
        take(&mut *self.left())
    }

    /// Reports whether a statement failed for a reason that is not its own: a deadlock, a lost connection, a full disk.
    ///
    /// The whole transaction, done again, may well succeed. It is known here even if whoever made the statement kept
    /// the error to himself.
    pub fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Relaxed)
    }

    fn noted(&self, error: DbErr) -> DbErr {
        self.has_failed.store(true, Ordering::Relaxed);
        if is_interruption(&error) {
            self.is_interrupted.store(true, Ordering::Relaxed);
        }
        error
    }
}

#[async_trait]
impl ConnectionTrait for Txn {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.inner.execute_raw(statement).await.map_err(|error| self.noted(error))
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.inner.execute_unprepared(sql).await.map_err(|error| self.noted(error))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.inner.query_one_raw(statement).await.map_err(|error| self.noted(error))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.inner.query_all_raw(statement).await.map_err(|error| self.noted(error))
    }
}

/// Reports whether a statement failed for a reason that is not its own.
fn is_interruption(error: &DbErr) -> bool {
    let cause = match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => return true,
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => cause,
        _ => return false,
    };
    match cause.as_ref() {
        sqlx::Error::Database(cause) => cause.code().is_some_and(|code| {
            if cause.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                // https://sqlite.org/rescode.html: busy, locked, out of memory, interrupted, I/O, full, cannot open.
                let extended: u32 = code.parse().unwrap_or_default();
                matches!(extended & 0xff, 5..=7 | 9 | 10 | 13 | 14)
            } else {
                // PostgreSQL's appendix A: connection, rollback (deadlocks), resources, shutdown, system.
                ["08", "40", "53", "57P", "58"].iter().any(|class| code.starts_with(class))
            }
        }),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}
