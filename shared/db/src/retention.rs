//! How long a service remembers what it sent, what it handled and what it answered.

use std::time::Duration;

use scrm_kernel::Lifecycle;
use sea_orm::DbErr;

use crate::{Db, idempotency, inbox, outbox};

/// Sent events are kept this long, so that a lost or restored broker can be filled again.
pub const KEEP_SENT: Duration = Duration::from_hours(7 * 24);
/// Handled messages are remembered this long: longer than anything can come again.
const KEEP_HANDLED: Duration = Duration::from_hours(30 * 24);
/// Answers are kept this long for requests that are sent again.
const KEEP_ANSWERS: Duration = Duration::from_hours(7 * 24);
/// How often they are swept.
const SWEEP: Duration = Duration::from_hours(1);

/// Forgets what is old enough, once.
pub async fn sweep(db: &Db) -> Result<(), DbErr> {
    let now = db.clock().now();
    outbox::forget_before(db.writer(), now - KEEP_SENT).await?;
    inbox::forget_before(db.writer(), now - KEEP_HANDLED).await?;
    Ok(())
}

/// Starts the job that forgets what is old enough, every hour.
pub fn start(db: &Db, lifecycle: &Lifecycle) {
    let (db, clock) = (db.clone(), db.clock().clone());
    lifecycle.every(SWEEP, &clock, "retention", move || {
        let db = db.clone();
        async move { sweep(&db).await }
    });
}

/// Starts the job that forgets old idempotency keys, every hour; for services that have them.
pub fn start_answers(db: &Db, lifecycle: &Lifecycle) {
    let (db, clock) = (db.clone(), db.clock().clone());
    lifecycle.every(SWEEP, &clock, "retention of answers", move || {
        let db = db.clone();
        async move { idempotency::forget_before(db.writer(), db.clock().now() - KEEP_ANSWERS).await.map(drop) }
    });
}
