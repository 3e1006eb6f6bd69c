//! What a comparison found matters for a while. Of each enterprise the newest one stays: it says when the next is due.

use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::Lifecycle;

use crate::store;

/// How long a comparison that has ended is kept.
const KEEP: Duration = Duration::from_hours(90 * 24);
/// How often they are swept.
const SWEEP: Duration = Duration::from_hours(1);

/// Starts the job.
pub(crate) fn start(db: &Db, lifecycle: &Lifecycle) {
    let (db, clock) = (db.clone(), db.clock().clone());
    lifecycle.every(SWEEP, &clock, "forget old comparisons with WeCom", move || {
        let db = db.clone();
        async move { store::reconciliation::forget_before(db.writer(), db.clock().now() - KEEP).await }
    });
}
