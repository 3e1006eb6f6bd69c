//! Exchanges the codes that enterprises gave suites, as soon as they are out: they are good for ten minutes.

use std::sync::Arc;
use std::time::Duration;

use scrm_kernel::Lifecycle;
use sea_orm::DbErr;

use crate::app::App;
use crate::store;

/// How often to look for what has become due, or a dead process left behind.
const POLL: Duration = Duration::from_secs(1);

/// Runs errands one after the other until asked to stop; a failing database only delays them.
pub(crate) async fn run(app: Arc<App>, lifecycle: Lifecycle) -> Result<(), DbErr> {
    app.take_back_errands().await?;
    let mut wakings = app.db().wakings(store::errand::TABLE);
    while !lifecycle.is_stopping() {
        // What is wanted from here on wakes this task again.
        wakings.borrow_and_update();
        match app.run_errand().await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(error = %error, "Cannot follow up an authorisation, trying again"),
        }
        tokio::select! {
            // Cannot fail: the app keeps the database open.
            _ = wakings.changed() => {}
            () = tokio::time::sleep(POLL) => {}
            () = lifecycle.stopping() => {}
        }
    }
    Ok(())
}
