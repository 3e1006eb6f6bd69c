//! The jobs around dead letters: gauges of those that wait, and forgetting those that were decided on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use scrm_db::{Db, sql};
use scrm_kernel::{Lifecycle, Timestamp};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult, QueryFilter as _,
    QuerySelect as _,
};
use tokio::sync::Mutex;

use super::entity::{Column, Entity};
use super::letter::State;
use super::office::Office;
use crate::topology::Queue;

/// Dead letters that wait for a decision, by queue.
const WAITING: &str = "scrm_dead_letters";
/// Age of the oldest of them.
const AGE: &str = "scrm_dead_letter_oldest_age_seconds";
/// How often they are counted.
const WATCH: Duration = Duration::from_secs(15);
/// How long a letter is kept after a decision: its body is personal data.
const KEEP: Duration = Duration::from_hours(30 * 24);
/// How often old ones are swept.
const SWEEP: Duration = Duration::from_hours(1);

/// Starts the jobs.
pub(super) fn start(office: &Office, queues: &[Queue], lifecycle: &Lifecycle) {
    let clock = office.db().clock();
    let names: BTreeSet<String> = queues.iter().map(|queue| queue.name.to_owned()).collect();
    let (db, names) = (office.db().clone(), Arc::new(Mutex::new(names)));
    lifecycle.every(WATCH, clock, "watch dead letters", move || {
        let (db, names) = (db.clone(), Arc::clone(&names));
        async move { show(&db, &mut *names.lock().await).await }
    });
    let db = office.db().clone();
    lifecycle.every(SWEEP, clock, "forget dead letters", move || {
        let db = db.clone();
        async move { forget_before(db.writer(), db.clock().now() - KEEP).await }
    });
}

#[derive(FromQueryResult)]
struct Counted {
    queue: String,
    letters: i64,
    oldest: Option<Timestamp>,
}

/// Shows how many letters of each queue, and of each other place that had some, wait, and for how long the oldest has.
async fn show(db: &Db, queues: &mut BTreeSet<String>) -> Result<(), DbErr> {
    let counted = Entity::find()
        .select_only()
        .column(Column::Queue)
        .column_as(Column::Seq.count(), "letters")
        .column_as(Column::DiedAt.min(), "oldest")
        .filter(sql::has(Column::State, State::Waiting.as_str()))
        .group_by(Column::Queue)
        .into_model::<Counted>()
        .all(db.reader())
        .await?;
    queues.extend(counted.iter().map(|row| row.queue.clone()));
    for queue in queues.iter() {
        let found = counted.iter().find(|row| row.queue == *queue);
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!(WAITING, "queue" => queue.clone()).set(found.map_or(0.0, |row| row.letters as f64));
        let oldest = found.and_then(|row| row.oldest);
        let age = oldest.map_or(0.0, |oldest| (db.clock().now() - oldest).as_seconds_f64());
        metrics::gauge!(AGE, "queue" => queue.clone()).set(age);
    }
    Ok(())
}

/// Deletes letters that were decided on before `moment`.
async fn forget_before(connection: &impl ConnectionTrait, moment: Timestamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::State.is_in([State::Redriven.as_str(), State::Discarded.as_str()]))
        .filter(Column::ResolvedAt.lt(moment))
        .exec(connection)
        .await
        .map(drop)
}
