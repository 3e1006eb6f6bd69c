#![doc = include_str!("../README.md")]

mod batch;
mod constraint;
mod flood;
mod fold;
mod handle;
pub mod idempotency;
pub mod inbox;
pub mod migration;
pub mod outbox;
mod relay;
pub mod retention;
mod server;
pub mod sql;
mod txn;

pub use batch::{BatchWrite, Batcher, NotStored, Place};
pub use constraint::Violation;
pub use flood::Flood;
pub use handle::{Database, Db};
pub use outbox::{Cause, Outbox};
pub use relay::{Fate, Publish, PublishError, Relay, Resend, Source};
pub use txn::Txn;
