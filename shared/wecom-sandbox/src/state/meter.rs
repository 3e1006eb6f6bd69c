//! Counts what may happen only so often: calls of an API, messages to a member. Lost on a restart.

use std::collections::HashMap;

pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
pub(crate) const MONTH_MS: i64 = 30 * DAY_MS;
/// Days begin in Shanghai, which is so far ahead of UTC.
const SHANGHAI_MS: i64 = 8 * HOUR_MS;

/// Counters of the running minutes, hours and days, and what was sent of late.
#[derive(Default)]
pub(crate) struct Meter {
    counts: HashMap<String, (i64, u64)>,
    gauges: HashMap<String, Gauge>,
    sent: HashMap<u64, Repeat>,
}

/// How much of something may happen within a time.
pub(crate) struct Limit {
    pub(crate) what: String,
    pub(crate) most: u64,
    /// How long the time is, in milliseconds.
    pub(crate) window_ms: i64,
}

impl Limit {
    pub(crate) fn new(what: impl Into<String>, most: u64, window_ms: i64) -> Self {
        Self { what: what.into(), most, window_ms }
    }
}

/// What has been counted for a limit.
#[derive(Default)]
struct Gauge {
    /// The number of the running window.
    window: i64,
    count: u64,
    /// Until when nothing more is let through, in milliseconds since 1970.
    closed_until: i64,
}

/// A message that is not to be sent twice.
#[derive(Debug, Clone)]
pub(crate) struct Repeat {
    /// Until when, in milliseconds since 1970.
    pub(crate) until: i64,
    pub(crate) msgid: String,
    pub(crate) response_code: Option<String>,
}

impl Meter {
    /// Counts one more of `what`, and says whether that is still within `limit` a minute.
    pub(crate) fn allows(&mut self, what: &str, limit: u64, now: i64) -> bool {
        let minute = now.div_euclid(MINUTE_MS);
        if !self.counts.contains_key(what) {
            self.counts.insert(what.to_owned(), (minute, 0));
        }
        let Some((counted, count)) = self.counts.get_mut(what) else { return true };
        if *counted != minute {
            (*counted, *count) = (minute, 0);
        }
        *count += 1;
        *count <= limit
    }

    /// Counts `amount` more for every limit and says yes, if that is within all of them.
    ///
    /// Whoever exceeds one is shut out for as long as its time is, from then on.
    pub(crate) fn admits(&mut self, limits: &[Limit], amount: u64, now: i64) -> bool {
        let mut is_within = true;
        for limit in limits {
            let gauge = self.gauges.entry(limit.what.clone()).or_default();
            let window = (now + SHANGHAI_MS).div_euclid(limit.window_ms);
            if gauge.window != window {
                (gauge.window, gauge.count) = (window, 0);
            }
            if now < gauge.closed_until {
                is_within = false;
            } else if gauge.count + amount > limit.most {
                gauge.closed_until = now + limit.window_ms;
                is_within = false;
            }
        }
        for limit in limits.iter().filter(|_| is_within) {
            if let Some(gauge) = self.gauges.get_mut(&limit.what) {
                gauge.count += amount;
            }
        }
        is_within
    }

    /// Finds the message with this fingerprint that still stands in the way of a repetition.
    pub(crate) fn repeated(&self, fingerprint: u64, now: i64) -> Option<&Repeat> {
        self.sent.get(&fingerprint).filter(|repeat| now < repeat.until)
    }

    /// Remembers a message that is not to be sent twice.
    pub(crate) fn remember(&mut self, fingerprint: u64, repeat: Repeat, now: i64) {
        if self.sent.len() > 10_000 {
            self.sent.retain(|_, repeat| now < repeat.until);
        }
        self.sent.insert(fingerprint, repeat);
    }
}
