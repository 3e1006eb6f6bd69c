//! Compares everything with WeCom, periodically and when somebody orders it.

use std::sync::Arc;
use std::time::Duration;

use scrm_kernel::Lifecycle;
use sea_orm::DbErr;

use crate::app::Reconciler;

/// How often to look for a comparison that is to go on.
const POLL: Duration = Duration::from_millis(250);
/// How often to look whether one is due.
const PERIOD: Duration = Duration::from_mins(1);

/// Goes on with comparisons until asked to stop; a failing database only delays them.
pub(crate) async fn run(reconciler: Arc<Reconciler>, lifecycle: Lifecycle) -> Result<(), DbErr> {
    reconciler.take_back().await?;
    while !lifecycle.is_stopping() {
        match reconciler.go_on(&lifecycle).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(error = %error, "Cannot go on comparing with WeCom, trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = lifecycle.stopping() => {}
        }
    }
    Ok(())
}

/// Starts the job that begins a comparison of each enterprise soon after it was connected, and then `every` so often.
pub(crate) fn start_beginning(reconciler: &Arc<Reconciler>, every: Duration, lifecycle: &Lifecycle) {
    let (reconciler, clock) = (Arc::clone(reconciler), reconciler.db().clock().clone());
    lifecycle.every(PERIOD, &clock, "begin comparisons with WeCom", move || {
        let reconciler = Arc::clone(&reconciler);
        async move { reconciler.begin_due(every).await }
    });
}
