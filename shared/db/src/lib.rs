#![doc = include_str!("../README.md")]

mod batch;
mod constraint;
mod handle;
pub mod idempotency;
pub mod inbox;
pub mod migration;
pub mod outbox;
mod relay;
pub mod retention;
pub mod sql;

pub use batch::{BatchWrite, Batcher, NotStored};
pub use constraint::Violation;
pub use handle::{Database, Db, Txn};
pub use outbox::{Cause, Outbox};
pub use relay::{Fate, Publish, PublishError, Relay, Source};
