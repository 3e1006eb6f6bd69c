//! Waiting for what happens beside the test.

use std::time::{Duration, Instant};

/// How long anything may take: longer than the first rung of the ladder on RabbitMQ, whose clock no test moves.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often to look.
const INTERVAL: Duration = Duration::from_millis(5);

/// Looks again and again until `look` finds something; panics after a minute with `what` was awaited.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, look).await
}

/// Looks like [`eventually`], as long as `patience`: for what waits for RabbitMQ's clock.
pub async fn eventually_within<T>(
    patience: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < patience, "after {patience:?} there is still not: {what}");
        tokio::time::sleep(INTERVAL).await;
    }
}
