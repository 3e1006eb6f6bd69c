//! The handle of one service's database.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use scrm_kernel::{Clock, crash};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnAcquireErr, ConnectOptions, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _,
};
use sea_orm_migration::MigratorTrait;
use serde::Deserialize;
use tokio::sync::watch;

use crate::Txn;
use crate::constraint::{Constraints, Violation};
use crate::fold::{self, Fold};
use crate::server;

/// How long a statement may wait for a connection, and a transaction for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reading connections of an embedded database; each is a thread of the operating system.
const SQLITE_READERS: u32 = 2;
/// Statements that a SQLite connection keeps prepared; all that a service writes fit in.
const STATEMENTS: usize = 512;
/// Page cache of the SQLite connection that writes: at most so many KiB, negative as the pragma wants it. It grows with
/// what is written; what ids choose at random is not read from the file again and again.
const SQLITE_WRITER_CACHE: &str = "-8192";
/// Pages of 4 KiB that a SQLite log holds before a writer folds it into its file by itself: many more than it has when
/// [`Fold`] keeps up.
const SQLITE_LOG: &str = "32000";
/// Page cache of a connection that reads; every change by others empties it.
const SQLITE_READER_CACHE: &str = "-512";

/// Where a service keeps its rows.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Database {
    /// A file of the embedded shape; made when it is not there.
    File(PathBuf),
    /// A PostgreSQL database: its URL, and the most connections to open.
    Postgres {
        /// `postgres://user:password@host:port/name`.
        url: String,
        /// Most connections.
        connections: u32,
    },
}

/// A service's database, whichever it is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// SQLite: the one connection that writes. PostgreSQL: the pool.
    writer: DatabaseConnection,
    /// SQLite: connections that refuse to write. PostgreSQL: the same pool.
    reader: DatabaseConnection,
    /// SQLite, unless somebody else's process writes.
    fold: Option<Fold>,
    clock: Clock,
    constraints: Constraints,
    wakings: Wakings,
    /// SQLite: held by the one transaction that is written, or next, of those that wait for each other.
    turns: Arc<tokio::sync::Mutex<()>>,
    /// SQLite: how many wait for the writer that must not wait long.
    waiting_ahead: AtomicUsize,
}

/// Counts somebody as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// For each table whose rows wait for somebody: changes when a transaction that left some has committed.
#[derive(Debug, Default)]
struct Wakings(Mutex<HashMap<&'static str, watch::Sender<()>>>);

impl Wakings {
    fn of(&self, table: &'static str) -> watch::Sender<()> {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.entry(table).or_default().clone()
    }
}

impl Db {
    /// Opens the database and brings its tables up to date.
    ///
    /// Each step is a transaction of its own; after a crash it goes on behind those that were made.
    pub async fn open<M: MigratorTrait>(database: &Database, clock: Clock) -> Result<Self, DbErr> {
        let (writer, reader, fold) = match database {
            Database::File(path) => {
                let writer = connect_file(path, Purpose::Write).await?;
                let fold = Fold::over(connect_file(path, Purpose::Fold).await?);
                (writer, connect_file(path, Purpose::Read).await?, Some(fold))
            }
            Database::Postgres { url, connections } => {
                let pool = connect_postgres(url, *connections).await?;
                (pool.clone(), pool, None)
            }
        };
        migrate::<M>(&writer).await?;
        let constraints = Constraints::read(&writer).await?;
        let db = Self::of(writer, reader, fold, clock, constraints);
        if db.is_sqlite() {
            tokio::spawn(fold_when_long(Arc::downgrade(&db.0)));
        }
        Ok(db)
    }

    /// Opens a database that is there, to read it beside the process that owns it; on SQLite writes fail.
    pub async fn peek(database: &Database, clock: Clock) -> Result<Self, DbErr> {
        let reader = match database {
            Database::File(path) => connect_file(path, Purpose::Read).await?,
            Database::Postgres { url, .. } => connect_postgres(url, 1).await?,
        };
        Ok(Self::of(reader.clone(), reader, None, clock, Constraints::default()))
    }

    fn of(
        writer: DatabaseConnection,
        reader: DatabaseConnection,
        fold: Option<Fold>,
        clock: Clock,
        constraints: Constraints,
    ) -> Self {
        Self(Arc::new(Inner {
            writer,
            reader,
            fold,
            clock,
            constraints,
            wakings: Wakings::default(),
            turns: Arc::default(),
            waiting_ahead: AtomicUsize::new(0),
        }))
    }

    /// Begins a transaction; on SQLite it takes the write lock at once, so it never fails for being late.
    ///
    /// SQLite has one writer, and of those who begin in this way only one at a time stands in the queue for it.
    pub async fn begin(&self) -> Result<Txn, DbErr> {
        if !self.is_sqlite() {
            return self.begin_at_once().await;
        }
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.0.turns).lock_owned()).await;
        let turn = turn.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?;
        Ok(self.begin_at_once().await?.with_turn(turn))
    }

    /// Begins a transaction for what must not wait behind all others: behind one of them, at most.
    pub async fn begin_ahead(&self) -> Result<Txn, DbErr> {
        let _waiting = self.is_sqlite().then(|| Waiting::begin(&self.0.waiting_ahead));
        self.begin_at_once().await
    }

    /// Reports whether somebody waits in [`begin_ahead`](Self::begin_ahead): who writes then should come to an end.
    pub fn is_awaited(&self) -> bool {
        self.0.waiting_ahead.load(Ordering::Relaxed) > 0
    }

    async fn begin_at_once(&self) -> Result<Txn, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: self.is_sqlite().then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let inner = self.writer().begin_with_options(options).await?;
        Ok(Txn::new(inner, self.clone()))
    }

    /// Returns a connection for reads outside a transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.0.reader
    }

    /// Returns a connection for a single writing statement.
    pub fn writer(&self) -> &DatabaseConnection {
        self.note_writing();
        &self.0.writer
    }

    /// Notes that something is written, or was: the log may be long.
    pub(crate) fn note_writing(&self) {
        self.0.fold.iter().for_each(Fold::note);
    }

    /// Returns the clock that stamps this database's rows.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Returns the constraint that a failed statement violated, by name, if that is why it failed.
    pub fn violation(&self, error: &DbErr) -> Option<Violation> {
        self.0.constraints.violation(error)
    }

    /// Reports whether this is the embedded shape.
    pub fn is_sqlite(&self) -> bool {
        self.0.writer.get_database_backend() == DbBackend::Sqlite
    }

    /// Wakes who works on `table`: rows wait there.
    pub fn wake(&self, table: &'static str) {
        self.0.wakings.of(table).send_replace(());
    }

    /// Returns what changes with every [`wake`](Self::wake) of `table`; each who works on it has one of its own.
    pub fn wakings(&self, table: &'static str) -> watch::Receiver<()> {
        self.0.wakings.of(table).subscribe()
    }

    /// Closes all connections; SQLite folds its log into the file.
    pub async fn close(self) -> Result<(), DbErr> {
        self.0.reader.close_by_ref().await?;
        if let Some(fold) = &self.0.fold {
            fold.close().await?;
        }
        self.0.writer.close_by_ref().await
    }
}

/// Folds the log of a SQLite database whenever it has become long, until the database is closed or let go.
async fn fold_when_long(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(fold::INTERVAL).await;
        let Some(inner) = inner.upgrade() else { return };
        let Some(fold) = &inner.fold else { return };
        match fold.fold_if_long().await {
            Ok(()) => {}
            Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)) => return,
            Err(error) => tracing::warn!(error = %error, "Cannot fold the log of a database, trying again"),
        }
    }
}

/// Brings the tables up to date; on PostgreSQL one process at a time.
async fn migrate<M: MigratorTrait>(connection: &DatabaseConnection) -> Result<(), DbErr> {
    if connection.get_database_backend() == DbBackend::Sqlite {
        return M::up(connection, None).await;
    }
    let lock = connection.begin().await?;
    server::lock_migrations(&lock).await?;
    M::up(connection, None).await?;
    lock.commit().await
}

/// What connections to a SQLite file are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Write,
    Read,
    Fold,
}

async fn connect_file(path: &std::path::Path, purpose: Purpose) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()));
    options
        .max_connections(if purpose == Purpose::Read { SQLITE_READERS } else { 1 })
        .min_connections(u32::from(purpose == Purpose::Write))
        // A connection is a thread, and one to a file into which nobody writes has nothing to do.
        .connect_lazy(purpose == Purpose::Fold)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |options| {
            let cache = if purpose == Purpose::Write { SQLITE_WRITER_CACHE } else { SQLITE_READER_CACHE };
            let options = options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(if crash::skips_syncs() {
                    SqliteSynchronous::Off
                } else {
                    SqliteSynchronous::Full
                })
                .busy_timeout(if purpose == Purpose::Fold { fold::PATIENCE } else { PATIENCE })
                .foreign_keys(true)
                .statement_cache_capacity(STATEMENTS)
                .pragma("cache_size", cache)
                .pragma("wal_autocheckpoint", SQLITE_LOG)
                .pragma("temp_store", "memory");
            if purpose == Purpose::Read { options.pragma("query_only", "on") } else { options }
        });
    sea_orm::Database::connect(options).await
}

async fn connect_postgres(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
    server::look_for(url).await?;
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .sqlx_logging(false);
    sea_orm::Database::connect(options).await
}
