//! Leads in the pool get an owner when somebody can take them again: a new day, a closed lead, a changed group.

use std::sync::Arc;
use std::time::Duration;

use scrm_kernel::{Clock, Lifecycle};

use crate::app::App;

/// How often to look.
const PERIOD: Duration = Duration::from_secs(30);

/// Starts the job.
pub(crate) fn start(app: &Arc<App>, clock: &Clock, lifecycle: &Lifecycle) {
    let app = Arc::clone(app);
    lifecycle.every(PERIOD, clock, "drain the pool", move || {
        let app = Arc::clone(&app);
        async move { app.drain_pool().await.map(|_| ()) }
    });
}
