//! What a submission says is personal data: it goes after 30 days. Its id stays 400 days, so that a copy is still known.

use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::Lifecycle;

use crate::store;

/// How long bodies and events are kept.
const KEEP_BODY: Duration = Duration::from_hours(30 * 24);
/// How long ids are kept.
const KEEP_ID: Duration = Duration::from_hours(400 * 24);
/// How often they are swept.
const SWEEP: Duration = Duration::from_hours(1);

/// Starts the job.
pub(crate) fn start(db: &Db, lifecycle: &Lifecycle) {
    let (db, clock) = (db.clone(), db.clock().clone());
    lifecycle.every(SWEEP, &clock, "forget old submissions", move || {
        let db = db.clone();
        async move {
            let now = db.clock().now();
            store::submission::forget(db.writer(), now - KEEP_BODY, now - KEEP_ID).await
        }
    });
}
