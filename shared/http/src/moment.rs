//! Times as clients see them.

use chrono::SecondsFormat;
use scrm_kernel::Timestamp;
use serde::{Serialize, Serializer};

/// A moment as JSON: RFC 3339 in UTC, always with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
pub struct Moment(Timestamp);

impl From<Timestamp> for Moment {
    fn from(moment: Timestamp) -> Self {
        Self(moment)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::Moment;

    #[test]
    fn a_whole_second_has_its_milliseconds_too() {
        let json = serde_json::to_string(&Moment::from(from_millis(1_700_000_000_000))).unwrap();
        assert_eq!(json, r#""2023-11-14T22:13:20.000Z""#);
    }
}
