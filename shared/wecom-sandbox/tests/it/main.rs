//! The sandbox seen from outside: by a receiver of callbacks, and by whoever controls it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod control;
mod delivery;
mod support;
