//! The public holidays of China and their make-up days, as a named package has them.

use chrono::{Datelike as _, NaiveDate};

use super::table::{DAYS, SOURCE};

/// A day that the State Council (国务院办公厅) gave off, or on which one works instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holiday {
    /// When.
    pub date: NaiveDate,
    /// Of the holiday, such as 国庆节; of the one that is made up for, on a make-up day.
    pub name: &'static str,
    /// Nobody works.
    pub is_off: bool,
}

/// Returns from which package the days are, with its version.
pub const fn source() -> &'static str {
    SOURCE
}

/// Returns all days, in order.
pub fn holidays() -> impl Iterator<Item = Holiday> {
    DAYS.iter().map(|(date, name, is_off)| {
        let date = date.parse().expect("the table holds dates");
        Holiday { date, name, is_off: *is_off }
    })
}

/// Returns the last year of which the days are known.
pub fn newest_year() -> i32 {
    holidays().last().map_or(0, |holiday| holiday.date.year())
}
