//! Raw bodies are personal data: they go after 30 days. Their hashes stay 400 days, so that a copy is still known.

use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::Lifecycle;

use crate::store;

/// How long a body is kept.
const KEEP_BODY: Duration = Duration::from_hours(30 * 24);
/// How long a hash is kept.
const KEEP_HASH: Duration = Duration::from_hours(400 * 24);
/// How often they are swept.
const SWEEP: Duration = Duration::from_hours(1);

/// Starts the job.
pub(crate) fn start(db: &Db, lifecycle: &Lifecycle) {
    let (db, clock) = (db.clone(), db.clock().clone());
    lifecycle.every(SWEEP, &clock, "forget old callbacks", move || {
        let db = db.clone();
        async move {
            let now = db.clock().now();
            store::callback::forget(db.writer(), now - KEEP_BODY, now - KEEP_HASH).await
        }
    });
}
