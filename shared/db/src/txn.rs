//! Transactions, and the parts of them that can be taken back alone.

use std::collections::BTreeSet;
use std::mem::take;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use scrm_kernel::Timestamp;
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
    /// Shared with the part that is open.
    inner: Arc<DatabaseTransaction>,
    db: Db,
    left: Mutex<Left>,
    parts: Mutex<Parts>,
    /// Of how many transactions it is a part, one within the other.
    depth: usize,
    /// Shared with every part of the transaction.
    is_interrupted: Arc<AtomicBool>,
    /// Given back after the connection.
    _turn: Option<OwnedMutexGuard<()>>,
}

/// Events that a transaction keeps at most, unless it has parts.
const MANY: usize = 64;

/// What a transaction leaves for others to do.
#[derive(Debug, Default)]
struct Left {
    /// Events, written with the commit in one statement.
    events: Vec<Written>,
    /// Tables with rows that wait for somebody.
    tables: BTreeSet<&'static str>,
}

/// How far the parts of a transaction have come, all of which use the same savepoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parts {
    /// There is no savepoint.
    Over,
    /// Its savepoint begins a part that is being done.
    Open,
    /// Its savepoint begins a part that was kept, and has not been released.
    Kept,
    /// Its savepoint begins a part that was dropped: what was done in it is to be taken back.
    Dropped,
    /// Its savepoint begins nothing.
    Undone,
}

impl Txn {
    pub(crate) fn new(inner: DatabaseTransaction, db: Db) -> Self {
        Self {
            inner: Arc::new(inner),
            db,
            left: Mutex::default(),
            parts: Mutex::new(Parts::Over),
            depth: 0,
            is_interrupted: Arc::default(),
            _turn: None,
        }
    }

    /// Holds a turn until the transaction has ended.
    pub(crate) fn with_turn(self, turn: OwnedMutexGuard<()>) -> Self {
        Self { _turn: Some(turn), ..self }
    }

    /// Makes everything done so far durable and wakes those for whom rows wait now.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.undo_dropped().await?;
        let Left { events, tables } = self.take_left();
        outbox::write(&self, events).await?;
        Arc::into_inner(self.inner).ok_or_else(still_open)?.commit().await?;
        for table in tables {
            self.db.wake(table);
        }
        Ok(())
    }

    /// Begins a part that can be taken back alone; what is done until its end belongs to it.
    pub async fn savepoint(&self) -> Result<Savepoint<'_>, DbErr> {
        let name = self.savepoint_name();
        self.undo_dropped().await?;
        let begin = match self.parts() {
            Parts::Open | Parts::Dropped => return Err(still_open()),
            Parts::Over => Some(format!("SAVEPOINT {name}")),
            Parts::Kept => Some(format!("RELEASE SAVEPOINT {name}; SAVEPOINT {name}")),
            Parts::Undone => None,
        };
        if let Some(begin) = begin {
            self.execute_unprepared(&begin).await?;
        }
        self.set_parts(Parts::Open);
        let part = Self {
            inner: Arc::clone(&self.inner),
            db: self.db.clone(),
            left: Mutex::default(),
            parts: Mutex::new(Parts::Over),
            depth: self.depth + 1,
            is_interrupted: Arc::clone(&self.is_interrupted),
            _turn: None,
        };
        Ok(Savepoint { part, whole: self })
    }

    async fn undo_dropped(&self) -> Result<(), DbErr> {
        if self.parts() == Parts::Dropped {
            self.undo_part().await?;
        }
        Ok(())
    }

    async fn undo_part(&self) -> Result<(), DbErr> {
        let sql = format!("ROLLBACK TO SAVEPOINT {}", self.savepoint_name());
        self.inner.execute_unprepared(&sql).await.map_err(|error| self.noted(error))?;
        self.set_parts(Parts::Undone);
        Ok(())
    }

    fn savepoint_name(&self) -> String {
        format!("part_{}", self.depth)
    }

    fn parts(&self) -> Parts {
        *self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_parts(&self, parts: Parts) {
        *self.parts.lock().unwrap_or_else(PoisonError::into_inner) = parts;
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
        // Those of a part come after those of the whole.
        let is_enough = self.depth == 0 && left.events.len() >= MANY;
        if is_enough { take(&mut left.events) } else { Vec::new() }
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
        self.undo_dropped().await?;
        self.inner.execute_raw(statement).await.map_err(|error| self.noted(error))
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.undo_dropped().await?;
        self.inner.execute_unprepared(sql).await.map_err(|error| self.noted(error))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.undo_dropped().await?;
        self.inner.query_one_raw(statement).await.map_err(|error| self.noted(error))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.undo_dropped().await?;
        self.inner.query_all_raw(statement).await.map_err(|error| self.noted(error))
    }
}

/// A part of a transaction, and used like one; taken back when it is dropped.
#[derive(Debug)]
pub struct Savepoint<'a> {
    part: Txn,
    whole: &'a Txn,
}

impl Savepoint<'_> {
    /// Lets what was done since its beginning share the fate of the whole.
    ///
    /// Fails if a statement of the part failed on PostgreSQL and was not taken back: then nothing of the part is kept.
    pub async fn keep(self) -> Result<(), DbErr> {
        self.part.undo_dropped().await?;
        // SQLite releases it together with the beginning of the next part, or by the commit: a statement less. On
        // PostgreSQL the release is what tells whether the part can be kept.
        if !self.whole.db.is_sqlite() {
            let sql = format!("RELEASE SAVEPOINT {}", self.whole.savepoint_name());
            if let Err(error) = self.whole.execute_unprepared(&sql).await {
                self.undo().await?;
                return Err(error);
            }
        }
        self.whole.set_parts(if self.whole.db.is_sqlite() { Parts::Kept } else { Parts::Over });
        let Left { events, tables } = self.part.take_left();
        let mut whole = self.whole.left();
        whole.events.extend(events);
        whole.tables.extend(tables);
        Ok(())
    }

    /// Takes back what was done since its beginning.
    pub async fn undo(self) -> Result<(), DbErr> {
        self.whole.undo_part().await
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if self.whole.parts() == Parts::Open {
            self.whole.set_parts(Parts::Dropped);
        }
    }
}

fn still_open() -> DbErr {
    DbErr::Custom("a part of the transaction has not ended".to_owned())
}

impl Deref for Savepoint<'_> {
    type Target = Txn;

    fn deref(&self) -> &Txn {
        &self.part
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
