//! Takes committed events to the broker: at least once, in order, and past rows that cannot be published.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scrm_kernel::{CorpId, Lifecycle, Timestamp, crash};
use scrm_proto::Envelope;
use sea_orm::DbErr;

use crate::{Db, Flood};

/// Rows taken at once; as many confirms are in flight.
const WINDOW: u64 = 200;
/// How often to look for rows that a dead process left behind.
const POLL: Duration = Duration::from_secs(1);
/// How long to wait after the broker or the database failed.
const PAUSE: Duration = Duration::from_millis(250);

/// Why a message was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The broker does not take it at the moment; it stays in its table and is tried again.
    #[error("not published: {0}")]
    NotNow(String),
    /// The broker will never take it; it stays in its table, marked with the problem, for a person to see.
    #[error("can never be published: {0}")]
    Never(String),
}

/// A broker, as far as the relay needs it.
#[async_trait]
pub trait Publish: Send + Sync {
    /// Publishes messages in order and returns, for each, whether it is safe in every queue that wants it.
    async fn publish(&self, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>>;
}

/// A table of rows to publish: an outbox, or rows that serve as one.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// The table, as those who leave rows in it name it to [`Txn::will_wake`](crate::Txn::will_wake).
    const TABLE: &'static str;
    /// What is taken, and settled later.
    type Row: Send + Sync;

    /// Returns the database of the table.
    fn db(&self) -> &Db;

    /// Takes up to `most` unpublished rows, oldest first, that no other relay holds.
    async fn take(&self, most: u64) -> Result<Vec<Self::Row>, DbErr>;

    /// Returns the message of a row: `None` when it tells nobody anything, an error when it never can be published.
    fn envelope(&self, row: &Self::Row) -> Result<Option<Envelope>, String>;

    /// Marks what became of the rows; what is not marked is taken again.
    async fn settle(&self, fates: Vec<(Self::Row, Fate)>) -> Result<(), DbErr>;
}

/// A table whose sent rows can be sent again: what heals a lost or restored broker. Inboxes drop what was done.
#[async_trait]
pub trait Resend: Send + Sync + 'static {
    /// Marks the rows of an enterprise that were sent in `window` as unsent, and returns how many those are.
    async fn resend(&self, corp: CorpId, window: &Range<Timestamp>) -> Result<u64, DbErr>;
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The broker has it.
    Published,
    /// It has nothing to tell.
    Nothing,
    /// It can never be published: why.
    Refused(String),
    /// The broker did not take it this time: it waits, and any relay may take it.
    Kept,
}

/// Publishes the rows of one [`Source`].
pub struct Relay<S> {
    source: S,
    broker: Arc<dyn Publish>,
    flood: Option<Arc<Flood>>,
}

impl<S: Source> Relay<S> {
    /// Makes a relay from a table to a broker.
    pub fn new(source: S, broker: Arc<dyn Publish>) -> Self {
        Self { source, broker, flood: None }
    }

    /// Lets what arrives go first while it is a flood.
    #[must_use]
    pub fn yielding_to(self, flood: Arc<Flood>) -> Self {
        Self { flood: Some(flood), ..self }
    }

    /// Relays until asked to stop; a broken broker or database only delays it.
    pub async fn run(self, lifecycle: Lifecycle) -> Result<(), DbErr> {
        let mut wakings = self.source.db().wakings(S::TABLE);
        while !lifecycle.is_stopping() {
            if let Some(rest) = self.rest() {
                tokio::select! {
                    () = tokio::time::sleep(rest) => {}
                    () = lifecycle.stopping() => {}
                }
                continue;
            }
            // What is committed from here on wakes this relay again.
            wakings.borrow_and_update();
            match self.relay_some().await {
                Ok(Progress::More) => {}
                Ok(Progress::Done) => {
                    tokio::select! {
                        // Cannot fail: the database of the source is open as long as the source.
                        _ = wakings.changed() => {}
                        () = tokio::time::sleep(POLL) => {}
                        () = lifecycle.stopping() => {}
                    }
                }
                Ok(Progress::Stuck(reason)) => {
                    tracing::warn!(reason, "Broker did not take an event, trying again");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(error = %error, "Relay cannot use its database, trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        Ok(())
    }

    fn rest(&self) -> Option<Duration> {
        self.flood.as_ref()?.rest(Instant::now())
    }

    /// Takes, publishes and marks one window of rows.
    pub async fn relay_some(&self) -> Result<Progress, DbErr> {
        let rows = self.source.take(WINDOW).await?;
        if rows.is_empty() {
            return Ok(Progress::Done);
        }
        let is_window_full = rows.len() as u64 == WINDOW;
        crash::point("relay.taken");
        let mut fates = Vec::with_capacity(rows.len());
        let (mut sent, mut messages) = (Vec::new(), Vec::new());
        for row in rows {
            match self.source.envelope(&row) {
                Ok(Some(message)) => {
                    sent.push(row);
                    messages.push(message);
                }
                Ok(None) => fates.push((row, Fate::Nothing)),
                Err(problem) => fates.push((row, refused(problem))),
            }
        }

        let outcomes = self.broker.publish(messages).await;
        crash::point("relay.published");
        let mut stuck = None;
        for (row, outcome) in sent.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => fates.push((row, Fate::Published)),
                Err(PublishError::Never(problem)) => fates.push((row, refused(problem))),
                Err(PublishError::NotNow(reason)) => {
                    fates.push((row, Fate::Kept));
                    stuck = Some(reason);
                }
            }
        }
        if !fates.is_empty() {
            self.source.settle(fates).await?;
            crash::point("relay.settled");
        }
        // Rows that were committed since are told of by a waking.
        let progress = if is_window_full { Progress::More } else { Progress::Done };
        Ok(stuck.map_or(progress, Progress::Stuck))
    }
}

fn refused(problem: String) -> Fate {
    tracing::error!(problem, "A row can never be published; it is kept, marked with the problem");
    Fate::Refused(problem)
}

/// What one round of a relay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A window of rows was settled; there may be more.
    More,
    /// What waited is settled.
    Done,
    /// Some rows were not taken by the broker: why.
    Stuck(String),
}
