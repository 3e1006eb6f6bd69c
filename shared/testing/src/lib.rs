#![doc = include_str!("../README.md")]

mod broker;
mod cache;
mod database;
mod event;
mod ledger;
mod server;
mod setup;
mod shape;
mod simulated;
mod wait;

pub use broker::{DeadLetter, TestBroker, amqp_url};
pub use cache::{cache, redis_url};
pub use database::TestDatabase;
pub use event::envelope_of;
pub use server::{Client, Reply, TestServer};
pub use setup::{setup, wecom};
pub use shape::Shape;
pub use simulated::{APP, TestWecom};
pub use wait::{eventually, eventually_within};

use scrm_kernel::Clock;
use scrm_kernel::time::from_millis;

/// Where mock clocks begin, in Unix milliseconds: 2026-03-02 01:00:00 UTC.
const BEGINNING: i64 = 1_772_413_200_000;

/// Returns a clock that stands still at a fixed moment until it is moved.
pub fn clock() -> Clock {
    Clock::mock(from_millis(BEGINNING))
}
