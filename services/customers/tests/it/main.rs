//! The service from outside: events go in and come out, customers are read over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod api;
mod channel;
mod new_tag;
mod relation;
mod staff;
mod support;
mod tag;
mod tag_sync;
