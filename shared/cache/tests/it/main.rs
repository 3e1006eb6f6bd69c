//! The cache from outside: the same tests on both stores, and what happens when Redis goes away.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod bucket;
mod outage;
mod support;
mod value;
