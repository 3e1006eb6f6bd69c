//! The open hours of a day, by the clock on the wall.

use std::fmt;
use std::str::FromStr;

use super::DAY;

/// Why something is not the hours of a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHours {
    /// Not `09:00-12:00,13:30-18:00`.
    #[error("{0:?} is no span of hours, as in 09:00-18:00")]
    Text(String),
    /// Nothing lies between its ends, or it reaches beyond midnight.
    #[error("a span of hours ends after it begins, at 24:00 at the latest")]
    Empty,
    /// Two spans share time, or are not in order.
    #[error("spans of hours follow each other and do not overlap")]
    Overlap,
}

/// The open hours of a day: spans in order, in minutes after midnight.
///
/// As text `09:00-12:00,13:30-18:00`; a closed day is the empty text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hours(Vec<(u16, u16)>);

impl Hours {
    /// Returns the hours of a day on which nobody works.
    pub const fn closed() -> Self {
        Self(Vec::new())
    }

    /// Returns all hours of a day.
    pub fn whole_day() -> Self {
        Self(vec![(0, DAY)])
    }

    /// Returns one span, in minutes after midnight; 1440 is the midnight after.
    pub fn of(from: u16, to: u16) -> Result<Self, BadHours> {
        Self::new(vec![(from, to)])
    }

    /// Takes spans in order, in minutes after midnight.
    pub fn new(spans: Vec<(u16, u16)>) -> Result<Self, BadHours> {
        if spans.iter().any(|(from, to)| from >= to || *to > DAY) {
            return Err(BadHours::Empty);
        }
        if spans.iter().zip(spans.iter().skip(1)).any(|((_, end), (next, _))| next < end) {
            return Err(BadHours::Overlap);
        }
        Ok(Self(spans))
    }

    /// Reports whether nobody works.
    pub const fn is_closed(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the spans.
    pub fn intervals(&self) -> &[(u16, u16)] {
        &self.0
    }
}

impl FromStr for Hours {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, BadHours> {
        let mut spans = Vec::new();
        for span in text.split(',').filter(|_| !text.is_empty()) {
            let ends = span.split_once('-').and_then(|(from, to)| minute_of(from).zip(minute_of(to)));
            spans.push(ends.ok_or_else(|| BadHours::Text(span.to_owned()))?);
        }
        Self::new(spans)
    }
}

/// Reads `09:30`.
fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| is_plain)
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    (minute < 60).then_some(hour * 60 + minute)
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (from, to)) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_survive_their_text() {
        for text in ["", "00:00-24:00", "09:00-12:00,13:30-18:00", "00:00-00:01,00:01-24:00"] {
            assert_eq!(text.parse::<Hours>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn hours_that_cannot_be_are_refused() {
        for text in
            ["9:00-18:00", "09:00", "09:60-10:00", "-", "09:00-18:00,", "+9:00-10:00", "０９:00-10:00"]
        {
            assert!(matches!(text.parse::<Hours>(), Err(BadHours::Text(_))), "{text}");
        }
        for text in ["09:00-09:00", "18:00-09:00", "09:00-24:01", "09:00-99:00"] {
            assert_eq!(text.parse::<Hours>(), Err(BadHours::Empty), "{text}");
        }
        for text in ["09:00-12:00,11:59-13:00", "13:00-14:00,09:00-10:00"] {
            assert_eq!(text.parse::<Hours>(), Err(BadHours::Overlap), "{text}");
        }
    }
}
