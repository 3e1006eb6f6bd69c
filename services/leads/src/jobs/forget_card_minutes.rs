//! How many cards went out in a minute matters for two minutes. What gathered leads stays: their cards refer to it.

use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::Lifecycle;

use crate::store;

/// How long a minute is kept.
const KEEP: Duration = Duration::from_hours(24);
/// How often they are swept.
const SWEEP: Duration = Duration::from_hours(1);

/// Starts the job.
pub(crate) fn start(db: &Db, lifecycle: &Lifecycle) {
    let (db, clock) = (db.clone(), db.clock().clone());
    lifecycle.every(SWEEP, &clock, "forget minutes of cards", move || {
        let db = db.clone();
        async move {
            let moment = db.clock().now() - KEEP;
            store::card_minute::forget_before(db.writer(), moment).await.map(drop)
        }
    });
}
