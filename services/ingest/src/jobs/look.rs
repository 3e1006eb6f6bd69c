//! Reads from WeCom what callbacks hinted at, as soon as they are out.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use scrm_db::NotStored;
use scrm_kernel::Lifecycle;
use sea_orm::DbErr;
use tokio::task::{JoinError, JoinSet};

use crate::app::Reader;
use crate::store;

/// Subjects that are read from WeCom at once.
const READERS: usize = 32;
/// How often to look for what has become due, or a dead process left behind.
const POLL: Duration = Duration::from_secs(1);
/// How long it is known when a subject was last read.
const KEEP: Duration = Duration::from_hours(7 * 24);
/// How often what was read is swept.
const SWEEP: Duration = Duration::from_hours(1);

/// Reads until asked to stop; a failing database only delays it.
pub(crate) async fn run(reader: Arc<Reader>, lifecycle: Lifecycle) -> Result<(), DbErr> {
    reader.take_back_looks().await?;
    let mut wakings = reader.db().wakings(store::look::TABLE);
    let mut under_way = JoinSet::new();
    while !lifecycle.is_stopping() {
        // What is wanted from here on wakes this task again.
        wakings.borrow_and_update();
        match reader.take_looks(READERS - under_way.len()).await {
            Ok(taken) => {
                for look in taken {
                    let reader = Arc::clone(&reader);
                    under_way.spawn(async move { reader.look(look).await });
                }
            }
            Err(error) => tracing::warn!(error = %error, "Cannot take what is to be read, trying again"),
        }
        tokio::select! {
            // Cannot fail: the reader keeps the database open.
            _ = wakings.changed(), if under_way.len() < READERS => {}
            Some(ended) = under_way.join_next() => {
                noted(ended);
                // They are settled together, and end together.
                while let Some(ended) = under_way.try_join_next() {
                    noted(ended);
                }
            }
            () = tokio::time::sleep(POLL) => {}
            () = lifecycle.stopping() => {}
        }
    }
    while let Some(ended) = under_way.join_next().await {
        noted(ended);
    }
    Ok(())
}

/// A look that could not be settled is taken again when its lease has ended.
fn noted(ended: Result<Result<(), NotStored>, JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = %error, "Cannot note what was read, reading it again later"),
        Err(error) => {
            if error.is_panic() {
                resume_unwind(error.into_panic());
            }
        }
    }
}

/// Starts the job that forgets what was read long ago.
pub(crate) fn start_forgetting(reader: &Arc<Reader>, lifecycle: &Lifecycle) {
    let (reader, clock) = (Arc::clone(reader), reader.db().clock().clone());
    lifecycle.every(SWEEP, &clock, "forget looks", move || {
        let reader = Arc::clone(&reader);
        async move {
            let db = reader.db();
            store::look::forget_before(db.writer(), db.clock().now() - KEEP).await
        }
    });
}
