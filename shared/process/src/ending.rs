//! What asks a process to end.

use scrm_kernel::Lifecycle;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C and polite kills (SIGTERM). Once this is made, none of them ends the process by itself.
///
/// Make it before anything says that the process is ready: whoever reads that may ask it to end at once.
#[derive(Debug)]
pub struct Ending {
    interrupt: Signal,
    terminate: Signal,
}

impl Ending {
    /// Begins to listen.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Resolves when somebody asks the process to end.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for a start; `None` when the process is asked to end before it is done.
    ///
    /// A start that is done is never dropped: it may have said that it is ready.
    pub async fn unless_asked<T>(&mut self, start: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            started = start => Some(started),
            () = self.asked() => None,
        }
    }

    /// Resolves when somebody asks the process to end, or a task of it has failed.
    pub async fn wait(&mut self, lifecycle: &Lifecycle) {
        tokio::select! {
            () = self.asked() => {}
            () = lifecycle.stopping() => {}
        }
    }
}
