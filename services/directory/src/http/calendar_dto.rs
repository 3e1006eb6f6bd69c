//! Calendars as JSON.

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate};
use scrm_kernel::{CalendarId, Clock, Cursor, FieldError, Hours};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::calendar::{Calendar, Draft, Exception, OwnDay, source};

/// A calendar as it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CalendarIn {
    /// 1 to 60 letters.
    name: String,
    /// As IANA names it, such as `Asia/Shanghai`.
    time_zone: String,
    /// Hours of the seven days, Monday first: `09:00-12:00,13:00-18:00`, or nothing on a day off.
    week: Vec<String>,
    /// Public holidays of China are days off, and one works on make-up days (调休).
    follows_holidays: bool,
    /// Days that are otherwise than all that says, each once.
    #[serde(default)]
    days: Vec<OwnDayIn>,
}

/// What an enterprise says of one day.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnDayIn {
    date: NaiveDate,
    /// Why; may be empty.
    #[serde(default)]
    name: String,
    /// When one works, as in `week`; nothing on a day off.
    hours: String,
}

impl CalendarIn {
    /// Reads it; returns all that is wrong with its texts otherwise.
    pub(super) fn draft(self) -> Result<Draft, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let zone = self.time_zone.parse();
        if zone.is_err() {
            wrong.push(FieldError::new("time_zone", "must be one that IANA names, as Asia/Shanghai"));
        }
        let week: Vec<Hours> = self
            .week
            .iter()
            .enumerate()
            .filter_map(|(day, hours)| hours_of(&format!("week[{day}]"), hours, &mut wrong))
            .collect();
        if self.week.len() != 7 {
            wrong.push(FieldError::new("week", "must be seven days, Monday first"));
        }
        let mut days = BTreeMap::new();
        for (index, OwnDayIn { date, name, hours }) in self.days.into_iter().enumerate() {
            let Some(hours) = hours_of(&format!("days[{index}].hours"), &hours, &mut wrong) else { continue };
            if days.insert(date, OwnDay { name: name.replace('\0', ""), hours }).is_some() {
                wrong.push(FieldError::new(format!("days[{index}].date"), "is there twice"));
            }
        }
        let (Ok(zone), Ok(week), true) = (zone, <[Hours; 7]>::try_from(week), wrong.is_empty()) else {
            return Err(wrong);
        };
        let name = self.name.trim().replace('\0', "");
        Ok(Draft { name, zone, week, follows_holidays: self.follows_holidays, days })
    }
}

fn hours_of(field: &str, text: &str, wrong: &mut Vec<FieldError>) -> Option<Hours> {
    match text.parse() {
        Ok(hours) => Some(hours),
        Err(error) => {
            wrong.push(FieldError::new(field, format!("{error}")));
            None
        }
    }
}

/// A calendar.
#[derive(Serialize, ToSchema)]
#[schema(as = Calendar)]
pub(super) struct CalendarOut {
    id: CalendarId,
    name: String,
    /// As IANA names it.
    time_zone: String,
    /// Hours of the seven days, Monday first; empty on a day off.
    week: Vec<String>,
    follows_holidays: bool,
    /// Days that the enterprise itself gives other hours.
    days: Vec<DayOut>,
    /// Where nothing else is said, this one counts.
    is_default: bool,
    /// Years of which the holidays are announced and not known here: enter them as days, or bring in a newer version.
    missing_years: Vec<i32>,
    /// From which table public holidays are taken.
    holidays_source: &'static str,
    /// Counts its changes.
    version: i64,
}

impl CalendarOut {
    pub(super) fn of(calendar: Calendar, clock: &Clock) -> Self {
        let Calendar { id, version, is_default, draft } = calendar;
        let today = clock.now().with_timezone(&draft.zone).date_naive();
        let missing_years = draft.missing_years(today);
        let own = |(date, day): (NaiveDate, OwnDay)| DayOut {
            date,
            name: day.name,
            hours: day.hours.to_string(),
            is_own: true,
        };
        Self {
            id,
            time_zone: draft.zone.name().to_owned(),
            week: draft.week.iter().map(ToString::to_string).collect(),
            follows_holidays: draft.follows_holidays,
            name: draft.name,
            days: draft.days.into_iter().map(own).collect(),
            is_default,
            missing_years,
            holidays_source: source(),
            version,
        }
    }
}

/// All calendars.
#[derive(Serialize, ToSchema)]
pub(super) struct CalendarsOut {
    pub(super) items: Vec<CalendarOut>,
    pub(super) next_cursor: Option<Cursor>,
}

/// Which days are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct DaysIn {
    /// Those of this year only.
    year: Option<i32>,
}

impl DaysIn {
    pub(super) fn is_about(&self, date: NaiveDate) -> bool {
        self.year.is_none_or(|year| date.year() == year)
    }
}

/// A day that is otherwise than the week.
#[derive(Serialize, ToSchema)]
#[schema(as = CalendarDay)]
pub(super) struct DayOut {
    date: NaiveDate,
    /// Of the holiday, or why.
    name: String,
    /// When one works; empty on a day off.
    hours: String,
    /// The enterprise says so itself.
    is_own: bool,
}

impl DayOut {
    pub(super) fn of((date, day): (NaiveDate, Exception)) -> Self {
        Self { date, name: day.name, hours: day.hours.to_string(), is_own: day.is_own }
    }
}

/// The days of a calendar that are otherwise than its week.
#[derive(Serialize, ToSchema)]
pub(super) struct DaysOut {
    pub(super) items: Vec<DayOut>,
    pub(super) next_cursor: Option<Cursor>,
}
