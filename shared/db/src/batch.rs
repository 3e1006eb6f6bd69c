//! Group commit: what waits is written in one transaction, and everyone is answered after it.
//!
//! One flush to the disk then serves many callers. It suits writes that cannot refuse each other, such as
//! `INSERT … ON CONFLICT DO NOTHING`.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scrm_kernel::Pace;
use sea_orm::DbErr;
use tokio::sync::{mpsc, oneshot};

use crate::{Db, Flood, Txn};

/// How often a group is begun on PostgreSQL: a flush and a few changes between processes, for one operation or for many.
const SERVER_PERIOD: Duration = Duration::from_millis(10);

/// Nothing of it is stored; the caller may try again.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not stored: {0}")]
pub struct NotStored(pub String);

/// How a group of operations is written.
#[async_trait]
pub trait BatchWrite: Send + Sync + 'static {
    /// Whether callers outside wait for their answers: then it begins ahead of others; see [`Db::begin_ahead`].
    const IS_AHEAD: bool = true;

    /// One caller's operation.
    type Op: Send + Sync + 'static;
    /// What the caller learns.
    type Out: Send + 'static;

    /// Writes all operations within `txn` and returns one answer for each, in order.
    async fn write(&self, txn: &Txn, ops: &[Self::Op]) -> Result<Vec<Self::Out>, DbErr>;

    /// Returns how often a group is begun, unless as many wait as may share it. The first one after a rest begins at once.
    fn period(&self, db: &Db) -> Duration {
        if Self::IS_AHEAD && !db.is_sqlite() { SERVER_PERIOD } else { Duration::ZERO }
    }

    /// Called after the commit that made `ops` durable, before anyone is answered.
    fn committed(&self, _ops: &[Self::Op]) {}

    /// Called when nothing of `op` is stored, before its caller is told.
    fn refused(&self, _op: &Self::Op) {}
}

type Waiter<W> = (<W as BatchWrite>::Op, oneshot::Sender<Result<<W as BatchWrite>::Out, NotStored>>);

/// Hands operations to the one task that writes them; cheap to clone.
pub struct Batcher<W: BatchWrite>(mpsc::Sender<Waiter<W>>);

impl<W: BatchWrite> Clone for Batcher<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W: BatchWrite> Batcher<W> {
    /// Starts the writing task; it ends when the last handle is gone and everything is answered.
    ///
    /// At most `most` operations share a transaction, and four times as many may wait.
    pub fn start(db: Db, writer: W, most: usize) -> Self {
        Self::start_with(db, writer, most, None)
    }

    /// Starts one whose operations are arrivals: `flood` counts them.
    pub fn start_counting(db: Db, writer: W, most: usize, flood: Arc<Flood>) -> Self {
        Self::start_with(db, writer, most, Some(flood))
    }

    fn start_with(db: Db, writer: W, most: usize, flood: Option<Arc<Flood>>) -> Self {
        let (sender, receiver) = mpsc::channel(most * 4);
        tokio::spawn(write_groups(db, writer, receiver, most, flood));
        Self(sender)
    }

    /// Has `op` written and returns once it is durable.
    pub async fn put(&self, op: W::Op) -> Result<W::Out, NotStored> {
        self.place().await?.put(op).await
    }

    /// Waits for room for one operation. Who asked first gets it first.
    pub async fn place(&self) -> Result<Place<W>, NotStored> {
        self.0.clone().reserve_owned().await.map(Place).map_err(|_| gone())
    }
}

/// Room for one operation.
pub struct Place<W: BatchWrite>(mpsc::OwnedPermit<Waiter<W>>);

impl<W: BatchWrite> Place<W> {
    /// Has `op` written, at once behind those that were put before it, whether or not anybody waits for what is returned:
    /// its answer, once it is durable.
    pub fn put(self, op: W::Op) -> impl Future<Output = Result<W::Out, NotStored>> + use<W> {
        let (answer, answered) = oneshot::channel();
        self.0.send((op, answer));
        async { answered.await.map_err(|_| gone())? }
    }
}

fn gone() -> NotStored {
    NotStored("the writer is gone".to_owned())
}

async fn write_groups<W: BatchWrite>(
    db: Db,
    writer: W,
    mut waiting: mpsc::Receiver<Waiter<W>>,
    most: usize,
    flood: Option<Arc<Flood>>,
) {
    let (mut pace, mut group) = (Pace::every(writer.period(&db)), Vec::new());
    while pace.receive(&mut waiting, &mut group, most, pending()).await > 0 {
        if let Some(flood) = &flood {
            flood.note(group.len(), Instant::now());
        }
        let (ops, answers): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        let outcomes = match write_one_group(&db, &writer, &ops).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            // One bad operation fails its whole group, so each gets a transaction of its own.
            Err(_) if ops.len() > 1 => write_each(&db, &writer, &ops).await,
            Err(error) => vec![Err(NotStored(error.to_string()))],
        };
        for (op, outcome) in ops.iter().zip(&outcomes) {
            if outcome.is_err() {
                writer.refused(op);
            }
        }
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            // A caller that has gone away does not need its answer.
            answer.send(outcome).ok();
        }
    }
}

async fn write_one_group<W: BatchWrite>(db: &Db, writer: &W, ops: &[W::Op]) -> Result<Vec<W::Out>, DbErr> {
    let txn = if W::IS_AHEAD { db.begin_ahead().await? } else { db.begin().await? };
    let outcomes = writer.write(&txn, ops).await?;
    txn.commit().await?;
    writer.committed(ops);
    Ok(outcomes)
}

async fn write_each<W: BatchWrite>(db: &Db, writer: &W, ops: &[W::Op]) -> Vec<Result<W::Out, NotStored>> {
    let mut outcomes = Vec::with_capacity(ops.len());
    for op in ops {
        let outcome = write_one_group(db, writer, std::slice::from_ref(op)).await;
        outcomes.push(match outcome.map(|mut one| one.pop()) {
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) => Err(NotStored("the writer gave no answer".to_owned())),
            Err(error) => Err(NotStored(error.to_string())),
        });
    }
    outcomes
}
