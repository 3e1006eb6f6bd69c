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

/// How long begun work may go on after a process is asked to stop.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
