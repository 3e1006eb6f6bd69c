//! The database crate, on a real database.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod batch;
mod constraint;
mod idempotency;
mod inbox;
mod refused;
mod relay;
mod retention;
mod sqlite;
mod support;
mod txn;
