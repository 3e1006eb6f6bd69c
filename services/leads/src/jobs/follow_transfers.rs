//! Transfers take 24 hours and may end without a callback: WeCom's list is looked at every few minutes.

use std::sync::Arc;
use std::time::Duration;

use scrm_kernel::{Clock, Lifecycle};

use crate::app::App;

/// How often transfers are looked for whose time it is.
const PERIOD: Duration = Duration::from_mins(5);

/// Starts the job.
pub(crate) fn start(app: &Arc<App>, clock: &Clock, lifecycle: &Lifecycle) {
    let app = Arc::clone(app);
    lifecycle.every(PERIOD, clock, "follow transfers", move || {
        let app = Arc::clone(&app);
        async move { app.follow_transfers().await }
    });
}
