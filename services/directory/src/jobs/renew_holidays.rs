//! A newer version brings a newer table of holidays: once it runs, calendars that follow it are told again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use scrm_kernel::{Clock, Lifecycle};

use crate::app::App;

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(10);

/// Starts the job, which ends when all are told.
pub(crate) fn start(app: &Arc<App>, clock: &Clock, lifecycle: &Lifecycle) {
    let (app, clock, stopping) = (Arc::clone(app), clock.clone(), lifecycle.clone());
    lifecycle.spawn("holidays", async move {
        while let Err(error) = app.renew_holidays().await {
            tracing::warn!(error = %error, "Cannot tell of new holidays; it is tried again");
            tokio::select! {
                () = stopping.stopping() => break,
                () = clock.sleep(PAUSE) => {}
            }
        }
        Ok::<(), Infallible>(())
    });
}
