//! Token buckets: how fast something may be done, in whole numbers.
//!
//! `take.lua` does the same sums in Redis, and a test compares the two.

use std::time::Duration;

use scrm_kernel::Timestamp;

/// How fast something may be done.
///
/// A bucket is counted in units, of which a token has as many as the period has milliseconds: with `n` tokens a period,
/// `n` units come back in a millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    tokens: u32,
    burst: u32,
    /// Milliseconds, and so the units of a token.
    period: i64,
}

impl Rate {
    /// Returns a rate of `tokens` a minute, of which `burst` may be taken at once; nought counts as one.
    pub const fn per_minute(tokens: u32, burst: u32) -> Self {
        Self::of(tokens, burst, 60_000)
    }

    /// Returns a rate of `tokens` an hour, of which `burst` may be taken at once; nought counts as one.
    pub const fn per_hour(tokens: u32, burst: u32) -> Self {
        Self::of(tokens, burst, 3_600_000)
    }

    const fn of(tokens: u32, burst: u32, period: i64) -> Self {
        let tokens = if tokens == 0 { 1 } else { tokens };
        Self { tokens, burst: if burst == 0 { 1 } else { burst }, period }
    }

    /// Returns the units that come back in a millisecond.
    pub(crate) fn pace(self) -> i64 {
        self.tokens.into()
    }

    /// Returns the units of a full bucket.
    pub(crate) fn room(self) -> i64 {
        self.units(self.burst)
    }

    /// Returns the units of so many tokens.
    pub(crate) fn units(self, tokens: u32) -> i64 {
        i64::from(tokens) * self.period
    }

    /// Returns what is missing at least from a bucket that gives its next token after `rest`.
    pub(crate) fn missing_for(self, rest: Duration) -> i64 {
        let millis = i64::try_from(rest.as_millis()).unwrap_or(i64::MAX);
        (self.room() - self.units(1)).saturating_add(millis.saturating_mul(self.pace()))
    }
}

/// Whether something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Now; the tokens are taken.
    Granted,
    /// Not before this moment; nothing is taken.
    WaitUntil(Timestamp),
}

/// When something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Booking {
    /// After this time, which may be nought; the tokens are taken.
    In(Duration),
    /// Not before this moment, which is too late for who asked; nothing is taken.
    NotBefore(Timestamp),
}

/// Tokens wanted of one bucket.
pub(crate) struct Want {
    /// The name of the bucket.
    pub(crate) bucket: String,
    pub(crate) rate: Rate,
    pub(crate) count: u32,
}

/// What is missing from a bucket; more than it holds when tokens are taken that are still to come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Level {
    /// Units.
    missing: i64,
    /// When that was so.
    at: Timestamp,
}

impl Level {
    pub(crate) const fn full(now: Timestamp) -> Self {
        Self { missing: 0, at: now }
    }

    /// Returns the milliseconds until `count` tokens are there.
    ///
    /// More than a bucket holds is given when it is full, and what comes after waits the longer for it. A clock that
    /// went back fills nothing.
    pub(crate) fn wait(&mut self, rate: Rate, count: u32, now: Timestamp) -> u64 {
        self.fill(rate, now);
        let (pace, cost) = (rate.pace(), rate.units(count));
        let lacking = (self.missing.saturating_add(cost) - rate.room().max(cost)).max(0);
        (lacking / pace + i64::from(lacking % pace > 0)).unsigned_abs()
    }

    /// Takes `count` tokens, there or still to come.
    pub(crate) fn pay(&mut self, rate: Rate, count: u32) {
        self.missing = self.missing.saturating_add(rate.units(count));
    }

    /// Lets the bucket give its next token after `rest`, or when it would have anyway if that is later.
    pub(crate) fn drain(&mut self, rate: Rate, rest: Duration, now: Timestamp) {
        self.fill(rate, now);
        self.missing = self.missing.max(rate.missing_for(rest));
    }

    fn fill(&mut self, rate: Rate, now: Timestamp) {
        let passed = (now - self.at).num_milliseconds().max(0);
        self.missing = (self.missing - passed.saturating_mul(rate.pace())).max(0);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    /// Two a second.
    const RATE: Rate = Rate::per_minute(120, 3);

    /// Takes tokens if they are there; returns the milliseconds until they are.
    fn take(level: &mut Level, rate: Rate, count: u32, millis: i64) -> u64 {
        let wait = level.wait(rate, count, from_millis(millis));
        if wait == 0 {
            level.pay(rate, count);
        }
        wait
    }

    #[test]
    fn a_burst_is_given_at_once_and_the_rest_by_and_by() {
        let mut level = Level::full(from_millis(0));
        let mut take = |millis, count| take(&mut level, RATE, count, millis);
        assert_eq!([take(0, 2), take(0, 1), take(0, 1)], [0, 0, 500]);
        assert_eq!([take(499, 1), take(500, 1), take(500, 2)], [1, 0, 1000]);
        assert_eq!([take(9_000_000, 3), take(9_000_000, 1)], [0, 500]);
    }

    #[test]
    fn more_than_a_bucket_holds_is_given_when_it_is_full_and_paid_for_afterwards() {
        let mut level = Level::full(from_millis(0));
        let mut take = |millis, count| take(&mut level, RATE, count, millis);
        assert_eq!([take(0, 1), take(0, 7), take(500, 7)], [0, 500, 0]);
        assert_eq!([take(500, 1), take(3000, 1)], [2500, 0]);
    }

    #[test]
    fn a_clock_that_goes_back_fills_nothing_and_stops_nothing() {
        let mut level = Level::full(from_millis(1_000_000));
        let mut take = |millis, count| take(&mut level, RATE, count, millis);
        assert_eq!([take(1_000_000, 3), take(0, 1), take(500, 1)], [0, 500, 0]);
    }

    #[test]
    fn a_rate_may_be_less_than_a_token_a_minute() {
        let (rate, mut level) = (Rate::per_hour(30, 1), Level::full(from_millis(0)));
        let mut take = |millis, count| take(&mut level, rate, count, millis);
        assert_eq!([take(0, 1), take(0, 1), take(120_000, 1)], [0, 120_000, 0]);
    }

    #[test]
    fn a_drained_bucket_gives_one_token_after_its_rest_and_the_others_by_and_by() {
        let mut level = Level::full(from_millis(0));
        level.drain(RATE, Duration::from_secs(10), from_millis(0));
        level.drain(RATE, Duration::from_secs(1), from_millis(0));
        let mut take = |millis, count| take(&mut level, RATE, count, millis);
        assert_eq!([take(0, 1), take(9_999, 1), take(10_000, 1), take(10_000, 1)], [10_000, 1, 0, 500]);
    }

    #[test]
    fn the_greatest_numbers_do_no_harm() {
        let end = from_millis(253_402_300_799_999);
        for rate in [Rate::per_minute(u32::MAX, u32::MAX), Rate::per_hour(u32::MAX, u32::MAX)] {
            let mut level = Level::full(end);
            assert_eq!(take(&mut level, rate, u32::MAX, 253_402_300_799_999), 0);
            level.drain(rate, Duration::MAX, end);
            assert!(level.wait(rate, u32::MAX, from_millis(0)) > 0);
        }
        assert_eq!(take(&mut Level::full(end), Rate::per_minute(0, 0), 0, 0), 0);
    }
}
