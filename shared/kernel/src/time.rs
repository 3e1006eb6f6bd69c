//! Time: UTC in whole milliseconds, from a clock that tests set by hand.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, TimeZone as _, Utc};
use tokio::sync::watch;

/// A moment in UTC, in whole milliseconds: finer parts differ between SQLite and PostgreSQL.
pub type Timestamp = DateTime<Utc>;

/// Returns the moment `millis` milliseconds after the Unix epoch, or the epoch if it is not in the years 1 to 9999.
///
/// RFC 3339 and SQLite's text have four digits for a year.
pub fn from_millis(millis: i64) -> Timestamp {
    let moment = Utc.timestamp_millis_opt(millis).single();
    moment.filter(|moment| (1..=9999).contains(&moment.year())).unwrap_or_default()
}

/// Seconds by which the corp's calendar is ahead of UTC: `Asia/Shanghai`, which has had no summer time since 1991.
const SHANGHAI: i32 = 8 * 3600;

/// A day of a corp's calendar, as caps and reports count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(NaiveDate);

impl Day {
    /// Returns the day that it is at `moment` where the corp is.
    pub fn of(moment: Timestamp) -> Self {
        let offset = FixedOffset::east_opt(SHANGHAI).expect("eight hours are less than a day");
        Self(moment.with_timezone(&offset).date_naive())
    }
}

impl fmt::Display for Day {
    /// Writes `2026-03-02`: texts of days sort as the days do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Tells the time, and waits for it.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Mock(Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    /// Returns the computer's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// Returns a clock that stands still until [`advance`](Self::advance) moves it.
    pub fn mock(start: Timestamp) -> Self {
        Self(Source::Mock(Arc::new(watch::Sender::new(start))))
    }

    /// Returns the present moment.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the computer's clock")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => from_millis(Utc::now().timestamp_millis()),
            Source::Mock(now) => *now.borrow(),
        }
    }

    /// Moves a mock clock forward and wakes who waits for the new time.
    ///
    /// Does nothing on the computer's clock.
    pub fn advance(&self, by: Duration) {
        if let Source::Mock(now) = &self.0 {
            now.send_modify(|now| *now += by);
        }
    }

    /// Waits until `moment` has come.
    pub async fn sleep_until(&self, moment: Timestamp) {
        match &self.0 {
            Source::System => {
                let wait = (moment - self.now()).to_std().unwrap_or_default();
                tokio::time::sleep(wait).await;
            }
            Source::Mock(now) => {
                let mut now = now.subscribe();
                // The sender lives in `self`, so this ends only when the time has come.
                now.wait_for(|now| *now >= moment).await.ok();
            }
        }
    }

    /// Waits for `time` to pass.
    pub async fn sleep(&self, time: Duration) {
        self.sleep_until(self.now() + time).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_has_no_parts_of_a_millisecond() {
        assert_eq!(Clock::system().now().timestamp_subsec_nanos() % 1_000_000, 0);
    }

    #[test]
    fn a_moment_that_has_no_text_is_the_epoch() {
        let last = 253_402_300_799_999;
        assert_eq!(from_millis(last).to_rfc3339(), "9999-12-31T23:59:59.999+00:00");
        for none in [last + 1, i64::MAX, i64::MIN, -62_135_596_800_001] {
            assert_eq!(from_millis(none), from_millis(0), "{none}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_in_shanghai() {
        let midnight = from_millis(1_772_380_800_000); // 2026-03-01 16:00:00 UTC
        assert_eq!(Day::of(midnight).to_string(), "2026-03-02");
        assert_eq!(Day::of(midnight - Duration::from_millis(1)).to_string(), "2026-03-01");
    }

    #[tokio::test]
    async fn a_mock_clock_wakes_sleepers_when_it_is_moved() {
        let clock = Clock::mock(from_millis(0));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(from_millis(10_000)).await }
        });
        clock.advance(Duration::from_secs(10));
        sleeper.await.unwrap();
        assert_eq!(clock.now(), from_millis(10_000));
    }
}
