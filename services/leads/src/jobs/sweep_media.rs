//! A crash may leave a file that no row names: those are removed a day later.

use std::sync::Arc;
use std::time::Duration;

use scrm_kernel::{Clock, Lifecycle};

use crate::app::App;

/// How often the store is looked through.
const PERIOD: Duration = Duration::from_hours(24);

/// Starts the job.
pub(crate) fn start(app: &Arc<App>, clock: &Clock, lifecycle: &Lifecycle) {
    let app = Arc::clone(app);
    lifecycle.every(PERIOD, clock, "sweep media", move || {
        let app = Arc::clone(&app);
        async move { app.sweep_media().await }
    });
}
