//! How much WeCom bears, as configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// WeCom's limits and how close we go to them.
///
/// Evidence: WeCom document 90454 of 2023-08-28 for the rates. The limits on calls at the same time are unpublished;
/// WeCom's staff names about 5 for `mark_tag`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls of one enterprise to one path in a minute.
    pub per_minute: u32,
    /// Calls of one enterprise to one path in an hour.
    pub per_hour: u32,
    /// Calls of all enterprises to one path in a minute, from one address. The addresses of a provider are allowed twice
    /// as much as is set here at first: 40,000.
    pub per_minute_of_address: u32,
    /// The same in an hour; a provider's 1,200,000.
    pub per_hour_of_address: u32,
    /// How much of these rates is used, in percent: by all processes that share a Redis, as if they had one address
    /// too; else by each.
    pub percent: u32,
    /// Calls of one enterprise at the same time to a path that is touchy about it.
    pub at_once: usize,
    /// How long a call waits for its turn before it is refused, in milliseconds.
    pub turn_ms: u64,
    /// How long a path rests after WeCom said 45009, in milliseconds. WeCom blocks for the window that was exceeded,
    /// at least a minute, and does not say which.
    pub rest_ms: u64,
    /// How often a read is repeated.
    pub repeats: u32,
    /// The pause before the first repeat, in milliseconds; doubled before each further one.
    pub repeat_pause_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_minute: 10_000,
            per_hour: 150_000,
            per_minute_of_address: 20_000,
            per_hour_of_address: 600_000,
            percent: 80,
            at_once: 4,
            turn_ms: 5_000,
            rest_ms: 60_000,
            repeats: 3,
            repeat_pause_ms: 100,
        }
    }
}

impl Limits {
    /// Returns the pause before a repeat, counted from 0.
    pub(super) fn pause(&self, repeat: u32) -> Duration {
        Duration::from_millis(self.repeat_pause_ms.saturating_mul(1 << repeat.min(10)))
    }
}

/// Allows no window more than `percent` of `calls`: an eighth at once, the rest spread over it. Returns what is spread,
/// and what is given at once.
///
/// (A bucket that held the whole allowance would let nearly twice as much through the first window.)
pub(super) fn share(calls: u32, percent: u32) -> (u32, u32) {
    let allowed = (u64::from(calls) * u64::from(percent) / 100).max(2);
    let burst = (allowed / 8).max(1);
    let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    (number(allowed - burst), number(burst))
}
