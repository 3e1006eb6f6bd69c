#![doc = include_str!("../README.md")]

mod bounded;
mod bucket;
mod cache;
mod memory;
mod metric;
mod remote;

pub use bucket::{Booking, Permit, Rate};
pub use cache::{BadAddress, Cache, NoAnswer, RedisConfig};
