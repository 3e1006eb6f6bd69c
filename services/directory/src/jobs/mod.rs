//! What the service does by itself.

mod hear_of_ended;
mod renew_holidays;

use std::sync::Arc;

use scrm_db::Db;
use scrm_kernel::Lifecycle;

use crate::app::App;

/// Starts all jobs.
pub(crate) fn start(app: &Arc<App>, db: &Db, lifecycle: &Lifecycle) {
    renew_holidays::start(app, db.clock(), lifecycle);
    hear_of_ended::start(app, db, lifecycle);
}
