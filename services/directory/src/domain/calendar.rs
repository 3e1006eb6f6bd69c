//! When an enterprise works: the hours of a week, public holidays and make-up days (调休), and days of its own.

mod holidays;
mod table;

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate};
use chrono_tz::Tz;
use scrm_kernel::{CalendarId, FieldError, Hours};

pub use self::holidays::{Holiday, holidays, newest_year, source};

/// Letters of a calendar's or a day's name.
const LONGEST_NAME: usize = 60;
/// Days that an enterprise gives hours of their own.
const MOST_DAYS: usize = 1000;
/// From this month on the holidays of the next year are announced.
const ANNOUNCED_IN: u32 = 11;

/// What an enterprise says of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnDay {
    /// Why, such as 司庆; may be empty.
    pub name: String,
    /// When one works; closed on a day off.
    pub hours: Hours,
}

/// A calendar as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// How it is called.
    pub name: String,
    /// Whose clocks count.
    pub zone: Tz,
    /// Monday first.
    pub week: [Hours; 7],
    /// Public holidays of China are days off, and one works on make-up days.
    pub follows_holidays: bool,
    /// Days that are otherwise than all that says.
    pub days: BTreeMap<NaiveDate, OwnDay>,
}

impl Draft {
    /// Returns the calendar with which every enterprise begins: weekdays from nine to six, with an hour at noon.
    pub fn of_a_new_enterprise() -> Self {
        let day = || "09:00-12:00,13:00-18:00".parse::<Hours>().expect("these hours are in order");
        let closed = Hours::closed;
        Self {
            name: "标准工作日历".to_owned(),
            zone: Tz::Asia__Shanghai,
            week: [day(), day(), day(), day(), day(), closed(), closed()],
            follows_holidays: true,
            days: BTreeMap::new(),
        }
    }

    /// Returns what is wrong with it.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut note = |field: &str, message: String| problems.push(FieldError::new(field, message));
        let letters = self.name.trim().chars().count();
        if letters == 0 || letters > LONGEST_NAME {
            note("name", format!("must be 1 to {LONGEST_NAME} letters"));
        }
        if self.week.iter().all(Hours::is_closed) {
            note("week", "must have a day on which one works".to_owned());
        }
        if self.days.len() > MOST_DAYS {
            note("days", format!("must be at most {MOST_DAYS}"));
        }
        if self.days.values().any(|day| day.name.chars().count() > LONGEST_NAME) {
            note("days", format!("a name must be at most {LONGEST_NAME} letters"));
        }
        problems
    }

    /// Returns every day that is otherwise than its week, with its hours and why.
    pub fn exceptions(&self) -> BTreeMap<NaiveDate, Exception> {
        let mut days = BTreeMap::new();
        if self.follows_holidays {
            for Holiday { date, name, is_off } in holidays() {
                let hours = if is_off { Hours::closed() } else { self.hours_of_a_workday() };
                days.insert(date, Exception { name: name.to_owned(), hours, is_own: false });
            }
        }
        for (date, day) in &self.days {
            let own = Exception { name: day.name.clone(), hours: day.hours.clone(), is_own: true };
            days.insert(*date, own);
        }
        days
    }

    /// On a make-up day one works as on the first day of the week that is none off.
    fn hours_of_a_workday(&self) -> Hours {
        self.week.iter().find(|hours| !hours.is_closed()).cloned().unwrap_or_default()
    }

    /// Returns the years of which the holidays are missing though they are announced: those after the newest one known,
    /// until the next year from November on. Days of its own of such a year mean that somebody has seen to it.
    pub fn missing_years(&self, today: NaiveDate) -> Vec<i32> {
        if !self.follows_holidays {
            return Vec::new();
        }
        let last = today.year() + i32::from(today.month() >= ANNOUNCED_IN);
        let is_entered = |year: &i32| self.days.keys().any(|date| date.year() == *year);
        (newest_year() + 1..=last).filter(|year| !is_entered(year)).collect()
    }
}

/// A day that is otherwise than its week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Why.
    pub name: String,
    /// When one works.
    pub hours: Hours,
    /// The enterprise says so itself.
    pub is_own: bool,
}

/// A calendar of an enterprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Ours.
    pub id: CalendarId,
    /// Counts its changes, from 1.
    pub version: i64,
    /// Where nothing else is said, this one counts.
    pub is_default: bool,
    /// As it is.
    pub draft: Draft,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_holiday_is_off_and_on_a_make_up_day_one_works_as_on_a_workday() {
        let draft = Draft::of_a_new_enterprise();
        let days = draft.exceptions();
        assert!(days[&day("2026-10-01")].hours.is_closed());
        let makeup = &days[&day("2026-10-10")];
        assert_eq!(
            (makeup.hours.to_string().as_str(), makeup.name.as_str()),
            ("09:00-12:00,13:00-18:00", "国庆节")
        );
        assert!(!days.contains_key(&day("2026-10-12")));
    }

    #[test]
    fn what_an_enterprise_says_itself_counts_more() {
        let mut draft = Draft::of_a_new_enterprise();
        let own = OwnDay { name: "值班".to_owned(), hours: "10:00-16:00".parse().unwrap() };
        draft.days.insert(day("2026-10-01"), own);
        let days = draft.exceptions();
        assert!(days[&day("2026-10-01")].is_own && !days[&day("2026-10-01")].hours.is_closed());
        draft.follows_holidays = false;
        assert_eq!(draft.exceptions().len(), 1);
    }

    #[test]
    fn a_year_is_missing_once_it_is_announced_unless_somebody_entered_it() {
        let mut draft = Draft::of_a_new_enterprise();
        let next = newest_year() + 1;
        assert!(draft.missing_years(day(&format!("{}-10-31", newest_year()))).is_empty());
        assert_eq!(draft.missing_years(day(&format!("{}-11-01", newest_year()))), [next]);
        assert_eq!(draft.missing_years(day(&format!("{next}-03-01"))), [next]);
        draft
            .days
            .insert(day(&format!("{next}-01-01")), OwnDay { name: String::new(), hours: Hours::closed() });
        assert!(draft.missing_years(day(&format!("{next}-03-01"))).is_empty());
        draft.days.clear();
        draft.follows_holidays = false;
        assert!(draft.missing_years(day(&format!("{next}-03-01"))).is_empty());
    }

    #[test]
    fn a_calendar_without_a_name_or_a_workday_is_refused() {
        let draft = Draft {
            name: " ".to_owned(),
            week: std::array::from_fn(|_| Hours::closed()),
            ..Draft::of_a_new_enterprise()
        };
        let fields: Vec<_> = draft.problems().into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["name", "week"]);
        assert!(Draft::of_a_new_enterprise().problems().is_empty());
    }
}
