//! The sandbox seen from outside: by a receiver of callbacks, and by whoever controls it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod book;
mod calls;
mod client;
mod contact;
mod control;
mod delivery;
mod limit;
mod message;
mod page;
mod paging;
mod range;
mod restart;
mod suite;
mod support;
mod tag;
mod token;
mod transfer;
mod way;
mod welcome;
