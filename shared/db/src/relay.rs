//! Takes committed events to the broker: at least once, in order, and past rows that cannot be published.

use std::collections::HashSet;
use std::future::{pending, ready};
use std::iter::repeat_with;
use std::mem::take;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use scrm_kernel::{CorpId, Lifecycle, Pace, Timestamp, crash};
use scrm_proto::Envelope;
use sea_orm::DbErr;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};

use crate::{Db, Flood};

/// Rows taken at once; as many confirms are in flight.
const WINDOW: u64 = 500;
/// Rows that may be in hand: taken, and not marked yet.
const IN_HAND: usize = 2000;
/// How often rows are marked, unless many wait for it, and how often a relay takes rows that nobody waits for. It costs
/// little more for many rows than for one.
const PERIOD: Duration = Duration::from_millis(25);
/// The same on PostgreSQL, where it costs changes between processes too.
const SERVER_PERIOD: Duration = Duration::from_millis(100);
/// How often a relay takes rows from PostgreSQL for which somebody waits.
const SERVER_PERIOD_AWAITED: Duration = Duration::from_millis(10);
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
    /// How many publishes may be under way at once. More than one where messages are handed on before they are safe: the
    /// next ones need not wait for that.
    fn most_under_way(&self) -> usize {
        1
    }

    /// Publishes messages in order and returns, for each, whether it is safe in every queue that wants it. Publishes go in
    /// the order in which they are polled for the first time, outside the budget that tokio gives a task.
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

    /// Returns the number of a row in its table.
    fn key(row: &Self::Row) -> i64;

    /// Takes up to `most` unpublished rows, oldest first, that no other relay holds. Those of `except` are in this one's
    /// hands; they are left out unless rows are leased, and the lease of one is over.
    async fn take(&self, most: u64, except: &[i64]) -> Result<Vec<Self::Row>, DbErr>;

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
///
/// Rows are marked while the next ones are published already, those of several rounds at once. What a process that dies
/// had not marked is published again.
pub struct Relay<S> {
    source: S,
    broker: Arc<dyn Publish>,
    flood: Option<Arc<Flood>>,
    pace: Pace,
}

impl<S: Source> Relay<S> {
    /// Makes a relay from a table to a broker, for events that nobody waits for.
    pub fn new(source: S, broker: Arc<dyn Publish>) -> Self {
        let pace = Pace::every(period(source.db()));
        Self { source, broker, flood: None, pace }
    }

    /// Publishes each event as soon as it is there: somebody waits for what comes of it.
    #[must_use]
    pub fn at_once(self) -> Self {
        let is_sqlite = self.source.db().is_sqlite();
        Self { pace: Pace::every(if is_sqlite { Duration::ZERO } else { SERVER_PERIOD_AWAITED }), ..self }
    }

    /// Lets what arrives go first while it is a flood.
    #[must_use]
    pub fn yielding_to(self, flood: Arc<Flood>) -> Self {
        Self { flood: Some(flood), ..self }
    }

    /// Relays until asked to stop; a broken broker or database only delays it.
    pub async fn run(self, lifecycle: Lifecycle) -> Result<(), DbErr> {
        let Self { source, broker, flood, pace } = self;
        let most = broker.most_under_way();
        let (under_way, rounds) = mpsc::channel(most);
        let (told, fates) = mpsc::channel(IN_HAND + 1);
        let (in_hand, stuck) = (InHand::default(), Stuck::default());
        let publisher = Publisher {
            source: &source,
            broker,
            flood,
            pace,
            in_hand: &in_hand,
            places: Arc::new(Semaphore::new(most)),
            under_way,
            stuck: &stuck,
            lifecycle: &lifecycle,
        };
        let marker = settle_all(&source, &in_hand, fates, &lifecycle);
        tokio::join!(publisher.run(), confirm_all(rounds, told, &stuck), marker);
        Ok(())
    }
}

fn period(db: &Db) -> Duration {
    if db.is_sqlite() { PERIOD } else { SERVER_PERIOD }
}

/// Numbers of the rows that were taken and are not marked yet.
#[derive(Default)]
struct InHand {
    rows: Mutex<HashSet<i64>>,
    /// Wakes who waits for fewer of them.
    fewer: Notify,
}

impl InHand {
    fn rows(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn let_go(&self, rows: &HashSet<i64>) {
        self.rows().retain(|row| !rows.contains(row));
        self.fewer.notify_one();
    }

    /// Waits until there are at most so many.
    async fn at_most(&self, count: usize) {
        while self.rows().len() > count {
            self.fewer.notified().await;
        }
    }
}

/// Why the broker did not take an event.
#[derive(Default)]
struct Stuck {
    reason: Mutex<Option<String>>,
    /// Wakes who waits for something to publish.
    told: Notify,
}

impl Stuck {
    fn tell(&self, reason: String) {
        *self.reason() = Some(reason);
        self.told.notify_one();
    }

    fn reason(&self) -> MutexGuard<'_, Option<String>> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes rows and publishes them.
struct Publisher<'a, S: Source> {
    source: &'a S,
    broker: Arc<dyn Publish>,
    flood: Option<Arc<Flood>>,
    pace: Pace,
    in_hand: &'a InHand,
    places: Arc<Semaphore>,
    under_way: mpsc::Sender<Round<S::Row>>,
    stuck: &'a Stuck,
    lifecycle: &'a Lifecycle,
}

/// Rows that are being published.
struct Round<R> {
    sent: Vec<R>,
    outcomes: BoxFuture<'static, Vec<Result<(), PublishError>>>,
    /// What is known already of others.
    fates: Vec<(R, Fate)>,
    /// Held until it is over.
    _place: OwnedSemaphorePermit,
}

impl<S: Source> Publisher<'_, S> {
    async fn run(mut self) {
        let mut wakings = self.source.db().wakings(S::TABLE);
        // After a refusal the next round has all places: what is refused is handed on again, so not much at once.
        let (all, mut wanted) = (u32::try_from(self.places.available_permits()).unwrap_or(1), 1);
        while !self.lifecycle.is_stopping() {
            if let Some(rest) = self.rest() {
                self.unless_stopping(tokio::time::sleep(rest)).await;
                continue;
            }
            let room = IN_HAND - usize::try_from(WINDOW).expect("a few hundred");
            self.unless_stopping(self.in_hand.at_most(room)).await;
            self.pace.turn(pending()).await;
            let place = Arc::clone(&self.places).acquire_many_owned(wanted).await.expect("nobody closes it");
            wanted = 1;
            let reason = self.stuck.reason().take();
            if let Some(reason) = reason {
                tracing::warn!(reason, "Broker did not take an event, trying again");
                drop(place);
                // It goes before those that are not taken yet, once it is given back.
                self.unless_stopping(self.in_hand.at_most(0)).await;
                tokio::time::sleep(PAUSE).await;
                self.stuck.reason().take();
                wanted = all;
                continue;
            }
            // What is committed from here on wakes this relay again.
            wakings.borrow_and_update();
            match self.publish_some(place).await {
                Ok(Progress::More) => {}
                Ok(Progress::Done) => {
                    tokio::select! {
                        // Cannot fail: the database of the source is open as long as the source.
                        _ = wakings.changed() => {}
                        () = self.stuck.told.notified() => {}
                        () = tokio::time::sleep(POLL) => {}
                        () = self.lifecycle.stopping() => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "Relay cannot use its database, trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn rest(&self) -> Option<Duration> {
        self.flood.as_ref()?.rest(Instant::now())
    }

    async fn unless_stopping(&self, wait: impl Future<Output = ()>) {
        tokio::select! {
            () = wait => {}
            () = self.lifecycle.stopping() => {}
        }
    }

    /// Takes and begins to publish one window of rows.
    async fn publish_some(&self, place: OwnedSemaphorePermit) -> Result<Progress, DbErr> {
        let held: Vec<i64> = self.in_hand.rows().iter().copied().collect();
        let mut rows = self.source.take(WINDOW, &held).await?;
        let is_window_full = rows.len() as u64 == WINDOW;
        rows.retain(|row| self.in_hand.rows().insert(S::key(row)));
        if rows.is_empty() {
            return Ok(Progress::Done);
        }
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

        let broker = Arc::clone(&self.broker);
        let mut outcomes = async move { broker.publish(messages).await }.boxed();
        // From here on it goes before those of the next round. Whatever this task has done so far, that must not wait.
        if let Poll::Ready(known) = futures::poll!(tokio::task::unconstrained(&mut outcomes)) {
            outcomes = ready(known).boxed();
        }
        let round = Round { sent, outcomes, fates, _place: place };
        // There is room for as many as have a place, and the other side ends after this one.
        self.under_way.send(round).await.ok();
        // Rows that were committed since are told of by a waking.
        Ok(if is_window_full { Progress::More } else { Progress::Done })
    }
}

/// Waits for what becomes of each round, one after the other, and tells it.
async fn confirm_all<R>(mut rounds: mpsc::Receiver<Round<R>>, told: mpsc::Sender<(R, Fate)>, stuck: &Stuck) {
    while let Some(Round { sent, outcomes, mut fates, _place }) = rounds.recv().await {
        let outcomes = outcomes.await.into_iter();
        let outcomes = outcomes.chain(repeat_with(|| Err(PublishError::NotNow("no answer".to_owned()))));
        crash::point("relay.published");
        for (row, outcome) in sent.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => fates.push((row, Fate::Published)),
                Err(PublishError::Never(problem)) => fates.push((row, refused(problem))),
                Err(PublishError::NotNow(reason)) => {
                    fates.push((row, Fate::Kept));
                    stuck.tell(reason);
                }
            }
        }
        for fate in fates {
            // There is room for all that may be in hand, and the other side ends after this one.
            told.send(fate).await.ok();
        }
    }
}

/// Marks what became of rows, until no more are told of.
///
/// Rows that cannot be marked are let go, and taken again: at once, or when their lease is over.
async fn settle_all<S: Source>(
    source: &S,
    in_hand: &InHand,
    mut told: mpsc::Receiver<(S::Row, Fate)>,
    lifecycle: &Lifecycle,
) {
    let most = usize::try_from(WINDOW).expect("a few hundred");
    let (mut pace, mut fates) = (Pace::every(period(source.db())), Vec::new());
    while pace.receive(&mut told, &mut fates, most, lifecycle.stopping()).await > 0 {
        let rows: HashSet<i64> = fates.iter().map(|(row, _)| S::key(row)).collect();
        let outcome = source.settle(take(&mut fates)).await;
        if let Err(error) = outcome {
            tracing::warn!(error = %error, "Relay cannot mark what it published, and will publish it again");
            tokio::time::sleep(PAUSE).await;
            in_hand.let_go(&rows);
            source.db().wake(S::TABLE);
        } else {
            crash::point("relay.settled");
            in_hand.let_go(&rows);
        }
    }
}

fn refused(problem: String) -> Fate {
    tracing::error!(problem, "A row can never be published; it is kept, marked with the problem");
    Fate::Refused(problem)
}

/// How far a relay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// A window of rows is being published; there may be more.
    More,
    /// So is all that waited.
    Done,
}
