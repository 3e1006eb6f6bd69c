//! Folds the log of a SQLite database into its file, beside those who write.
//!
//! SQLite itself would have it done by whoever makes the log too long, and everyone behind them waits: 20 to 30 ms for the
//! 4,000 pages of a log. Here the bulk of it is done by a connection that nobody waits for. What was written meanwhile is
//! little, and only that is folded while writers wait, so that the log begins anew. As long as a reader holds an old state,
//! it grows: to 32,000 pages (128 MiB), and then until the reader has ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, Statement};

/// Pages of 4 KiB that a log holds before it is folded. Keys that come in no order dirty the same pages again and again;
/// a longer log writes each of them once for many changes.
const LONG: i32 = 4000;
/// Pages for which writers may be kept waiting.
const SHORT: i32 = 1000;
/// How often its length is looked at, if something was written.
pub(crate) const INTERVAL: Duration = Duration::from_millis(100);
/// How long the short part may wait for readers of an old state, and have writers wait: it is tried again.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// The connection that folds.
#[derive(Debug)]
pub(crate) struct Fold {
    connection: DatabaseConnection,
    is_written: AtomicBool,
}

/// How far a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Log {
    /// Pages in it.
    pages: i32,
    /// How many of them are in the file too.
    folded: i32,
}

impl Log {
    const fn left(self) -> i32 {
        self.pages - self.folded
    }
}

impl Fold {
    /// Folds over `connection`, which does nothing else.
    pub(crate) const fn over(connection: DatabaseConnection) -> Self {
        Self { connection, is_written: AtomicBool::new(false) }
    }

    /// Notes that somebody writes, or has written.
    pub(crate) fn note(&self) {
        self.is_written.store(true, Ordering::Relaxed);
    }

    /// Folds the log if it is long.
    pub(crate) async fn fold_if_long(&self) -> Result<(), DbErr> {
        if !self.is_written.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let outcome = self.fold().await;
        if outcome.is_err() {
            self.note();
        }
        outcome
    }

    async fn fold(&self) -> Result<(), DbErr> {
        if self.ask("NOOP").await?.left() < LONG {
            return Ok(());
        }
        // It makes the file safe only if nobody wrote meanwhile, so the second time does, mostly.
        self.ask("PASSIVE").await?;
        if self.ask("PASSIVE").await?.left() < SHORT {
            self.ask("RESTART").await?;
        }
        Ok(())
    }

    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        self.connection.close_by_ref().await
    }

    /// See <https://sqlite.org/pragma.html#pragma_wal_checkpoint>.
    async fn ask(&self, mode: &str) -> Result<Log, DbErr> {
        let pragma = format!("PRAGMA wal_checkpoint({mode})");
        let row = self.connection.query_one_raw(Statement::from_string(DbBackend::Sqlite, pragma)).await?;
        let row = row.ok_or_else(|| DbErr::Custom(format!("wal_checkpoint({mode}) answers nothing")))?;
        Ok(Log { pages: row.try_get("", "log")?, folded: row.try_get("", "checkpointed")? })
    }
}
