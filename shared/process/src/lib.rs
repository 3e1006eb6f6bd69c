#![doc = include_str!("../README.md")]

mod deferred;
mod ending;
pub mod keys;
mod run;
mod service;
mod settings;
pub mod upkeep;

pub use deferred::Deferred;
pub use ending::Ending;
pub use run::{arm_crash, main};
pub use service::{Service, Setup};
pub use settings::{HttpSettings, IngestSettings, KeySettings, LogSettings, Settings};
pub use upkeep::Upkeep;

/// Requests, rows and messages are many small pieces of memory, taken by one thread and given back by another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keeps the process on small pages of memory; called before it starts its work.
///
/// The allocator asks for pages of 2 MiB, and each thread touches some of its own: more than twice the memory at rest. Where
/// the system does not know the wish it stays as it is.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true).ok();
}

/// Makes the runtime of a process: a thread for each core that it may use, two at most. The web server and SQLite have
/// threads of their own, and threads without a core for them only take turns.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    tokio::runtime::Builder::new_multi_thread().worker_threads(cores.min(2)).enable_all().build()
}

/// How long begun work may go on after a process is asked to stop.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
