//! Follows the clock: duty hours begin and end, a new day has new caps, and what WeCom refused is tried again.

use std::sync::Arc;
use std::time::Duration;

use scrm_kernel::{Clock, Lifecycle};

use crate::app::App;

/// Duty hours have whole minutes.
const PERIOD: Duration = Duration::from_mins(1);

/// Starts the job.
pub(crate) fn start(app: &Arc<App>, clock: &Clock, lifecycle: &Lifecycle) {
    let app = Arc::clone(app);
    lifecycle.every(PERIOD, clock, "wanted staff of channels", move || {
        let app = Arc::clone(&app);
        async move { app.tune_channels().await }
    });
}
