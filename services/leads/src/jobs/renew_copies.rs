//! Sees to it that WeCom has the files that greetings use, so that no message waits for an upload.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use scrm_kernel::{Clock, Lifecycle};

use crate::app::App;

/// How often to look for copies that are soon too old.
const PERIOD: Duration = Duration::from_mins(1);

/// Starts the job.
pub(crate) fn start(app: &Arc<App>, clock: &Clock, lifecycle: &Lifecycle) {
    let (app, clock, stopping) = (Arc::clone(app), clock.clone(), lifecycle.clone());
    lifecycle.spawn("copies of media", async move {
        if let Err(error) = app.take_back_copies().await {
            tracing::warn!(error = %error, "Copies of files that were cut off wait for the end of their lease");
        }
        while !stopping.is_stopping() {
            tokio::select! {
                // An upload that is cut off is made again by whoever comes after its lease.
                () = stopping.stopping() => {}
                outcome = app.renew_copies() => {
                    if let Err(error) = outcome {
                        tracing::warn!(error = %error, "Cannot renew copies of files; it is tried again");
                    }
                }
            }
            tokio::select! {
                () = stopping.stopping() => {}
                () = clock.sleep(PERIOD) => {}
                () = app.copies_wanted() => {}
            }
        }
        Ok::<(), Infallible>(())
    });
}
