//! How long somebody who failed to sign in has to wait.

use std::time::Duration;

use scrm_kernel::Timestamp;

/// Failures of one login without a wait.
const FREE: i64 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// After so long without a failure those before are forgotten.
const FORGOTTEN: Duration = Duration::from_hours(24);
/// Failures of one address within a window.
const OF_ADDRESS: i64 = 20;
const WINDOW: Duration = Duration::from_mins(1);

/// Whose failures are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A login's, whether there is an account or not: longer and longer waits.
    Login,
    /// An address's, whatever logins it tries: so many a minute.
    Address,
}

/// What failed so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How often.
    pub count: i64,
    /// Since when: of an address the beginning of its window, of a login the last failure.
    pub since: Timestamp,
    /// Nothing is tried before.
    pub blocked_until: Option<Timestamp>,
}

impl Failures {
    /// Returns how long it still is until the next try.
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        self.blocked_until.and_then(|until| (until - now).to_std().ok()).filter(|wait| !wait.is_zero())
    }

    /// Counts one more failure.
    #[must_use]
    pub fn one_more(before: Option<Self>, side: Side, now: Timestamp) -> Self {
        let none = Self { count: 0, since: now, blocked_until: None };
        let known = before.unwrap_or(none);
        match side {
            Side::Login => {
                let known = if known.since + FORGOTTEN <= now { none } else { known };
                let count = known.count + 1;
                let wait = (count >= FREE).then(|| wait_after(count - FREE));
                Self { count, since: now, blocked_until: wait.map(|wait| now + wait) }
            }
            Side::Address => {
                let known = if known.since + WINDOW <= now { none } else { known };
                let count = known.count + 1;
                let end = known.since + WINDOW;
                Self { count, since: known.since, blocked_until: (count >= OF_ADDRESS).then_some(end) }
            }
        }
    }

    /// Takes one back that turned out to be none.
    #[must_use]
    pub const fn one_less(self) -> Self {
        Self { count: self.count - 1, since: self.since, blocked_until: None }
    }
}

fn wait_after(doublings: i64) -> Duration {
    let doublings = u32::try_from(doublings).unwrap_or(u32::MAX).min(16);
    (FIRST_WAIT * 2_u32.pow(doublings)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    #[test]
    fn a_login_waits_longer_and_longer_and_is_forgotten_after_a_day() {
        let now = from_millis(1_700_000_000_000);
        let (mut failures, mut waits) = (None, Vec::new());
        for _ in 0..20 {
            let next = Failures::one_more(failures, Side::Login, now);
            waits.push(next.wait(now).map_or(0, |wait| wait.as_secs()));
            failures = Some(next);
        }
        assert_eq!(waits[..8], [0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(waits.last(), Some(&900));
        let later = now + FORGOTTEN;
        assert_eq!(Failures::one_more(failures, Side::Login, later).count, 1);
    }

    #[test]
    fn an_address_may_fail_so_often_a_minute() {
        let now = from_millis(1_700_000_000_000);
        let mut failures = None;
        for _ in 0..OF_ADDRESS {
            assert_eq!(failures.and_then(|known: Failures| known.wait(now)), None);
            failures = Some(Failures::one_more(failures, Side::Address, now));
        }
        assert_eq!(failures.unwrap().wait(now), Some(WINDOW));
        assert_eq!(failures.unwrap().wait(now + WINDOW), None);
        assert_eq!(Failures::one_more(failures, Side::Address, now + WINDOW).count, 1);
        assert_eq!(failures.unwrap().one_less().wait(now), None);
    }
}
