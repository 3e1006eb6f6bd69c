//! Sessions that another process of the service has ended: their tokens let nobody in here either.
//!
//! In the embedded shape there is no other process.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use scrm_db::Db;
use scrm_kernel::{Clock, Lifecycle};

use crate::app::App;

/// How often to look.
const PERIOD: Duration = Duration::from_secs(1);
/// Looks overlap by so much: a transaction of another process may end late, and clocks differ.
const OVERLAP: Duration = Duration::from_mins(1);

/// Starts the job.
pub(super) fn start(app: &Arc<App>, db: &Db, lifecycle: &Lifecycle) {
    if db.is_sqlite() {
        return;
    }
    let (app, clock, stopping): (_, Clock, _) = (Arc::clone(app), db.clock().clone(), lifecycle.clone());
    lifecycle.spawn("ended sessions", async move {
        while !stopping.is_stopping() {
            let since = clock.now() - OVERLAP;
            if let Err(error) = app.hear_of_ended(Some(since)).await {
                tracing::warn!(error = %error, "Cannot look for ended sessions; it is tried again");
            }
            tokio::select! {
                () = stopping.stopping() => {}
                () = clock.sleep(PERIOD) => {}
            }
        }
        Ok::<(), Infallible>(())
    });
}
