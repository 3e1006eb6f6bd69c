//! Puts redriven letters back into the queue they died in.
//!
//! A letter is marked when the broker has it safe. A crash in between puts it back twice, and the consumer's inbox
//! handles it once.

use std::time::Duration;

use futures::future::join_all;
use scrm_db::{Db, PublishError, sql};
use scrm_kernel::{KeyRing, Lifecycle, crash};
use scrm_proto::Envelope;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, Condition, DbErr, EntityTrait as _, QueryFilter as _};

use super::entity::{Column, Entity, Model};
use super::letter::State;
use super::office::Office;
use super::{PAUSE, store};
use crate::topology::Queue;
use crate::transport::{Broker, BrokerError};

/// Letters taken at once.
const WINDOW: u64 = 100;
/// How often to look for letters that a dead process left behind.
const POLL: Duration = Duration::from_secs(1);

/// Puts letters back until asked to stop; a broken broker or database only delays it.
pub(super) async fn run(
    office: Office,
    queues: Vec<Queue>,
    broker: Broker,
    lifecycle: Lifecycle,
) -> Result<(), BrokerError> {
    while !lifecycle.is_stopping() {
        let wait = match redrive_some(&office, &queues, &broker).await {
            Ok(Progress::More) => continue,
            Ok(Progress::Done) => POLL,
            Ok(Progress::Stuck) => PAUSE,
            Err(error) => {
                tracing::warn!(error = %error, "Dead letters cannot be put back, trying again");
                PAUSE
            }
        };
        tokio::select! {
            () = office.decided() => {}
            () = tokio::time::sleep(wait) => {}
            () = lifecycle.stopping() => {}
        }
    }
    Ok(())
}

/// What one round came to.
enum Progress {
    /// Letters were put back; there may be more.
    More,
    /// No letter waits to be put back.
    Done,
    /// The broker did not take some.
    Stuck,
}

/// Takes, publishes and marks one window of letters.
async fn redrive_some(office: &Office, queues: &[Queue], broker: &Broker) -> Result<Progress, DbErr> {
    let db = office.db();
    let wanted = Condition::all().add(sql::has(Column::State, State::Redriving.as_str()));
    let rows = sql::take::<Entity>(db, wanted, Column::Seq, Column::LeasedUntil, WINDOW, &[]).await?;
    if rows.is_empty() {
        return Ok(Progress::Done);
    }
    let mut kept = Vec::new();
    crash::point("redrive.taken");
    let outcomes = join_all(rows.iter().map(|row| put_back(office.keys(), queues, broker, row))).await;
    for (row, outcome) in rows.into_iter().zip(outcomes) {
        crash::point("redrive.published");
        if let Err(problem) = outcome {
            match problem {
                PublishError::NotNow(reason) => {
                    tracing::warn!(reason, "Broker did not take a dead letter back, trying again");
                    kept.push(row.seq);
                }
                PublishError::Never(reason) => mark(db, &row, State::Waiting, Some(&reason)).await?,
            }
        } else {
            mark(db, &row, State::Redriven, None).await?;
            crash::point("redrive.marked");
        }
    }
    sql::release::<Entity>(db.writer(), Column::Seq, Column::LeasedUntil, &kept).await?;
    Ok(if kept.is_empty() { Progress::More } else { Progress::Stuck })
}

/// Publishes the message of a letter into its queue, as new as it was the first time.
async fn put_back(
    keys: &KeyRing,
    queues: &[Queue],
    broker: &Broker,
    row: &Model,
) -> Result<(), PublishError> {
    let queue = queues.iter().find(|queue| queue.name == row.queue);
    let queue =
        queue.ok_or_else(|| PublishError::Never(format!("there is no queue {} any more", row.queue)))?;
    let head: Envelope =
        serde_json::from_str(&row.head).map_err(|error| PublishError::Never(error.to_string()))?;
    let body = store::opened(keys, row.corp_id, row.body.clone())
        .map_err(|error| PublishError::Never(error.to_string()))?;
    let message = Envelope { attempt: 0, body: body.into(), ..head };
    let silent = || Err(PublishError::NotNow("the broker does not say".to_owned()));
    broker.redrive(queue, vec![message]).await.pop().unwrap_or_else(silent)
}

/// Marks a letter, unless it has died again meanwhile: then it is another version, and waits.
async fn mark(db: &Db, row: &Model, state: State, reason: Option<&str>) -> Result<(), DbErr> {
    let mut marking = Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::LeasedUntil, Expr::value(None::<scrm_kernel::Timestamp>));
    if let Some(reason) = reason {
        marking = marking.col_expr(Column::Reason, Expr::value(reason));
    }
    marking
        .filter(Column::Seq.eq(row.seq))
        .filter(Column::Version.eq(row.version))
        .exec(db.writer())
        .await
        .map(drop)
}
