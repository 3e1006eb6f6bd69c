//! Token buckets: how fast something may be done, in whole numbers.
//!
//! `take.lua` does the same sums in Redis, and a test compares the two.

use scrm_kernel::Timestamp;

/// One token, in the units in which a bucket is counted: with `n` tokens a minute, `n` units come back in a millisecond.
pub(crate) const TOKEN: i64 = 60_000;

/// How fast something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_minute: u32,
    burst: u32,
}

impl Rate {
    /// Returns a rate of `tokens` a minute, of which `burst` may be taken at once; nought counts as one.
    pub const fn per_minute(tokens: u32, burst: u32) -> Self {
        let per_minute = if tokens == 0 { 1 } else { tokens };
        Self { per_minute, burst: if burst == 0 { 1 } else { burst } }
    }

    /// Returns the units that come back in a millisecond.
    pub(crate) fn units_a_milli(self) -> i64 {
        self.per_minute.into()
    }

    /// Returns the units of a full bucket.
    pub(crate) fn room(self) -> i64 {
        i64::from(self.burst) * TOKEN
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

/// What is missing from a bucket.
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

    /// Takes `count` tokens, or says when to ask again.
    ///
    /// More than a bucket holds is given when it is full, and what comes after waits the longer for it. A clock that
    /// went back fills nothing.
    pub(crate) fn take(&mut self, rate: Rate, count: u32, now: Timestamp) -> Permit {
        let (pace, cost) = (rate.units_a_milli(), i64::from(count) * TOKEN);
        let passed = (now - self.at).num_milliseconds().max(0);
        self.missing = (self.missing - passed.saturating_mul(pace)).max(0);
        self.at = now;
        let lacking = self.missing + cost - rate.room().max(cost);
        if lacking > 0 {
            let millis = lacking / pace + i64::from(lacking % pace > 0);
            return Permit::WaitUntil(now + std::time::Duration::from_millis(millis.unsigned_abs()));
        }
        self.missing += cost;
        Permit::Granted
    }
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    /// Two a second.
    const RATE: Rate = Rate::per_minute(120, 3);

    fn wait(millis: i64) -> Permit {
        Permit::WaitUntil(from_millis(millis))
    }

    #[test]
    fn a_burst_is_given_at_once_and_the_rest_by_and_by() {
        let mut level = Level::full(from_millis(0));
        let mut take = |millis, count| level.take(RATE, count, from_millis(millis));
        assert_eq!([take(0, 2), take(0, 1), take(0, 1)], [Permit::Granted, Permit::Granted, wait(500)]);
        assert_eq!([take(499, 1), take(500, 1), take(500, 2)], [wait(500), Permit::Granted, wait(1500)]);
        assert_eq!([take(9_000_000, 3), take(9_000_000, 1)], [Permit::Granted, wait(9_000_500)]);
    }

    #[test]
    fn more_than_a_bucket_holds_is_given_when_it_is_full_and_paid_for_afterwards() {
        let mut level = Level::full(from_millis(0));
        let mut take = |millis, count| level.take(RATE, count, from_millis(millis));
        assert_eq!([take(0, 1), take(0, 7), take(500, 7)], [Permit::Granted, wait(500), Permit::Granted]);
        assert_eq!([take(500, 1), take(3000, 1)], [wait(3000), Permit::Granted]);
    }

    #[test]
    fn a_clock_that_goes_back_fills_nothing_and_stops_nothing() {
        let mut level = Level::full(from_millis(1_000_000));
        assert_eq!(level.take(RATE, 3, from_millis(1_000_000)), Permit::Granted);
        assert_eq!(level.take(RATE, 1, from_millis(0)), wait(500));
        assert_eq!(level.take(RATE, 1, from_millis(500)), Permit::Granted);
    }

    #[test]
    fn the_greatest_numbers_do_no_harm() {
        let (rate, mut level) = (Rate::per_minute(u32::MAX, u32::MAX), Level::full(from_millis(0)));
        let end = from_millis(253_402_300_799_999);
        assert_eq!(level.take(rate, u32::MAX, end), Permit::Granted);
        assert_eq!(level.take(rate, u32::MAX, from_millis(0)), wait(60_000));
        assert_eq!(Level::full(end).take(Rate::per_minute(0, 0), 0, end), Permit::Granted);
    }
}
