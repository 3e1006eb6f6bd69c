//! How a process stops: a polite request first, then an end.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::time::Clock;

/// The tasks of a process, and the signal that ends them.
///
/// A task that returns an error or panics asks the whole process to stop: a service with a dead relay must not
/// go on looking healthy.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    stopping: CancellationToken,
    aborting: CancellationToken,
    tasks: TaskTracker,
    failed: Arc<AtomicBool>,
}

impl Lifecycle {
    /// Makes a lifecycle with no tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `task` until it ends or the process is ended; it should end soon after [`stopping`](Self::stopping).
    pub fn spawn<E: std::fmt::Display>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let lifecycle = self.clone();
        self.tasks.spawn(async move {
            let guard = CrashGuard { lifecycle: lifecycle.clone(), name };
            let outcome = lifecycle.aborting.run_until_cancelled(task).await;
            if let Some(Err(error)) = outcome {
                tracing::error!(task.name = name, error = %error, "Task {name} failed, stopping the process");
                lifecycle.fail();
            }
            std::mem::forget(guard);
        });
    }

    /// Runs `job` at once and then every `period` until the process is asked to stop; a failure only delays its work.
    ///
    /// Jobs are reconcilers: they take no input, may be repeated, and are safe in several replicas.
    pub fn every<E, J>(
        &self,
        period: Duration,
        clock: &Clock,
        name: &'static str,
        job: impl Fn() -> J + Send + 'static,
    ) where
        E: std::fmt::Display,
        J: Future<Output = Result<(), E>> + Send,
    {
        let (lifecycle, clock) = (self.clone(), clock.clone());
        self.spawn(name, async move {
            while !lifecycle.is_stopping() {
                if let Err(error) = job().await {
                    tracing::warn!(job.name = name, error = %error, "Job {name} failed; it runs again in {period:?}");
                }
                tokio::select! {
                    () = lifecycle.stopping() => {}
                    () = clock.sleep(period) => {}
                }
            }
            Ok::<(), E>(())
        });
    }

    /// Asks every task to finish what it has begun and take up nothing new.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Resolves when the process is asked to stop.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Reports whether the process is asked to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Waits for all tasks after [`stop`](Self::stop), at most `patience`, then ends them.
    ///
    /// Returns whether everything ended by itself and nothing failed.
    pub async fn finish(&self, patience: Duration) -> bool {
        self.tasks.close();
        let drained = tokio::time::timeout(patience, self.tasks.wait()).await.is_ok();
        if !drained {
            tracing::warn!("Tasks did not finish within {patience:?}, ending them");
            self.aborting.cancel();
            self.tasks.wait().await;
        }
        drained && !self.failed.load(Ordering::SeqCst)
    }

    fn fail(&self) {
        self.failed.store(true, Ordering::SeqCst);
        self.stop();
    }
}

/// Notices a panic: forgotten when the task ends, dropped when it unwinds.
struct CrashGuard {
    lifecycle: Lifecycle,
    name: &'static str,
}

impl Drop for CrashGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(task.name = self.name, "Task {} panicked, stopping the process", self.name);
            self.lifecycle.fail();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_millis;

    #[tokio::test]
    async fn a_failed_task_stops_the_others_and_is_reported() {
        let lifecycle = Lifecycle::new();
        let waiting = lifecycle.clone();
        lifecycle.spawn("waits", async move {
            waiting.stopping().await;
            Ok::<_, String>(())
        });
        lifecycle.spawn("fails", async { Err("broken".to_owned()) });
        assert!(!lifecycle.finish(Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn a_panic_stops_the_process() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn::<String>("panics", async { panic!("for the test") });
        lifecycle.stopping().await;
        assert!(!lifecycle.finish(Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn a_job_runs_again_after_its_period_even_if_it_failed() {
        let (lifecycle, clock) = (Lifecycle::new(), Clock::mock(from_millis(0)));
        let (sender, mut runs) = tokio::sync::mpsc::unbounded_channel();
        lifecycle.every(Duration::from_mins(1), &clock, "counts", move || {
            sender.send(()).ok();
            async { Err("broken".to_owned()) }
        });
        for _ in 0..3 {
            runs.recv().await.unwrap();
            clock.advance(Duration::from_mins(1));
        }
        lifecycle.stop();
        assert!(lifecycle.finish(Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn tasks_that_end_when_asked_end_well() {
        let lifecycle = Lifecycle::new();
        let task = lifecycle.clone();
        lifecycle.spawn("waits", async move {
            task.stopping().await;
            Ok::<_, String>(())
        });
        lifecycle.stop();
        assert!(lifecycle.finish(Duration::from_secs(5)).await);
    }
}
