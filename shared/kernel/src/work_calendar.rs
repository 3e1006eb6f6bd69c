//! Business time: when a corp works, and how much of that passes between two moments.
//!
//! Hours are local and days are the corp's. Where clocks are put forward, the time that is left out begins where it
//! ends; where they are put back, an hour that comes twice begins at its first coming. So days and hours never overlap,
//! and every moment belongs to one day.

mod hours;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

pub use self::hours::{BadHours, Hours};
use crate::time::Timestamp;

/// Minutes of a day without change of clocks.
const DAY: u16 = 24 * 60;
/// The longest time that a change of clocks has left out (a whole day, Samoa 2011), in minutes, twice.
const LONGEST_GAP: u16 = 2 * DAY;
/// Days that are searched for working time; about a century.
const HORIZON: u32 = 36_525;

/// A moment that a calendar cannot name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// There is no working time left.
    #[error("the calendar has no open hours")]
    NeverOpen,
    /// It is more than a century ahead.
    #[error("so much working time takes more than a century")]
    TooFar,
}

/// When a corp works: hours for each day of the week, and days that are otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkCalendar {
    zone: Tz,
    /// Monday first.
    week: [Hours; 7],
    exceptions: BTreeMap<NaiveDate, Hours>,
}

impl Default for WorkCalendar {
    /// Monday to Friday, 9:00 to 18:00, in China.
    fn default() -> Self {
        let day = || Hours::of(9 * 60, 18 * 60).expect("a day begins before it ends");
        let closed = Hours::closed;
        Self::new(Tz::Asia__Shanghai, [day(), day(), day(), day(), day(), closed(), closed()])
    }
}

impl WorkCalendar {
    /// Returns a calendar of weeks that are all alike, Monday first.
    pub const fn new(zone: Tz, week: [Hours; 7]) -> Self {
        Self { zone, week, exceptions: BTreeMap::new() }
    }

    /// Returns a calendar that is always open.
    pub fn always(zone: Tz) -> Self {
        Self::new(zone, std::array::from_fn(|_| Hours::whole_day()))
    }

    /// Gives one day hours of its own: none for a holiday, those of a workday for a make-up day (调休).
    #[must_use]
    pub fn except(mut self, date: NaiveDate, hours: Hours) -> Self {
        self.exceptions.insert(date, hours);
        self
    }

    /// Returns the time zone.
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// Returns the hours of a day.
    pub fn hours_on(&self, date: NaiveDate) -> &Hours {
        let usual = || &self.week[date.weekday().num_days_from_monday() as usize];
        self.exceptions.get(&date).unwrap_or_else(usual)
    }

    /// Reports whether the corp works at this moment.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.open_on(self.day_of(at)).any(|(from, to)| from <= at && at < to)
    }

    /// Returns the corp's calendar day.
    pub fn day_of(&self, at: Timestamp) -> NaiveDate {
        let local = at.with_timezone(&self.zone).date_naive();
        // Where clocks go back over midnight, the day that has begun goes on.
        match local.succ_opt() {
            Some(next) if self.begin_of(next) <= at => next,
            _ => local,
        }
    }

    /// Returns when a day begins and when the next one does.
    pub fn day_bounds(&self, date: NaiveDate) -> (Timestamp, Timestamp) {
        (self.begin_of(date), self.moment(date, DAY))
    }

    /// Returns the first moment by which so much working time has passed since `start`.
    pub fn add_working(&self, start: Timestamp, time: Duration) -> Result<Timestamp, CalendarError> {
        let mut left = TimeDelta::from_std(time).map_err(|_| CalendarError::TooFar)?;
        if left.is_zero() {
            return Ok(start);
        }
        let mut date = self.day_of(start);
        for _ in 0..HORIZON {
            for (from, to) in self.open_on(date) {
                let from = from.max(start);
                if to - from >= left {
                    return Ok(from + left);
                }
                left -= (to - from).max(TimeDelta::zero());
            }
            if self.is_closed_after(date) {
                return Err(CalendarError::NeverOpen);
            }
            date = date.succ_opt().ok_or(CalendarError::TooFar)?;
        }
        Err(CalendarError::TooFar)
    }

    /// Returns how much working time passes from `start` to `end`; none if `end` comes first.
    pub fn working_between(&self, start: Timestamp, end: Timestamp) -> Duration {
        let mut sum = TimeDelta::zero();
        let (mut date, last) = (self.day_of(start), self.day_of(end));
        while date <= last {
            for (from, to) in self.open_on(date) {
                sum += (to.min(end) - from.max(start)).max(TimeDelta::zero());
            }
            if self.is_closed_after(date) {
                break;
            }
            let Some(next) = date.succ_opt() else { break };
            date = next;
        }
        sum.to_std().unwrap_or_default()
    }

    /// Returns the hours of a day as moments, in order.
    fn open_on(&self, date: NaiveDate) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let hours = self.hours_on(date).intervals().iter();
        hours.map(move |(from, to)| (self.moment(date, *from), self.moment(date, *to)))
    }

    /// Reports whether no later day has any hours.
    fn is_closed_after(&self, date: NaiveDate) -> bool {
        self.week.iter().all(Hours::is_closed)
            && self
                .exceptions
                .range(date..)
                .skip_while(|(day, _)| **day == date)
                .all(|(_, hours)| hours.is_closed())
    }

    fn begin_of(&self, date: NaiveDate) -> Timestamp {
        self.moment(date, 0)
    }

    /// Returns the moment that is `minute` minutes after midnight by the clocks of the corp.
    fn moment(&self, date: NaiveDate, minute: u16) -> Timestamp {
        let (date, minute) = match date.checked_add_days(Days::new((minute / DAY).into())) {
            Some(date) => (date, minute % DAY),
            None => return DateTime::<Utc>::MAX_UTC,
        };
        let midnight = date.and_time(NaiveTime::MIN);
        // What is left out begins where the clocks go on.
        let later = |gap: u16| midnight.checked_add_signed(TimeDelta::minutes((minute + gap).into()));
        let on_clocks = |gap| self.zone.from_local_datetime(&later(gap)?).earliest();
        (0..=LONGEST_GAP).find_map(on_clocks).map_or(DateTime::<Utc>::MAX_UTC, |moment| moment.to_utc())
    }
}

#[cfg(test)]
mod tests;
