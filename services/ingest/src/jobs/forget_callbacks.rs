//! Raw bodies are personal data: they go after 30 days. Their hashes stay 400 days, so that a copy is still known.

use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::Lifecycle;
use sea_orm::DbErr;

use crate::store;

/// How long a body is kept.
const KEEP_BODY: Duration = Duration::from_hours(30 * 24);
/// How long a hash is kept.
const KEEP_HASH: Duration = Duration::from_hours(400 * 24);
/// How often they are swept.
const SWEEP: Duration = Duration::from_hours(1);

/// Sweeps every hour until asked to stop; a broken database only delays it.
pub(crate) async fn run(db: Db, lifecycle: Lifecycle) -> Result<(), DbErr> {
    loop {
        let now = db.clock().now();
        let swept = store::callback::forget(db.writer(), now - KEEP_BODY, now - KEEP_HASH).await;
        if let Err(error) = swept {
            tracing::warn!(error = %error, "Cannot sweep old callbacks");
        }
        tokio::select! {
            () = lifecycle.stopping() => return Ok(()),
            () = db.clock().sleep(SWEEP) => {}
        }
    }
}
