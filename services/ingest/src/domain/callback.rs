//! A callback as it is kept.

use std::time::Duration;

use scrm_kernel::Timestamp;

/// The kinds of callback that carry no state: a copy is no duplicate, it means that something changed once more.
pub const REPEATABLE: [&str; 12] = [
    "contact_edited",
    "contact_transfer_failed",
    "tag_created",
    "tag_updated",
    "tag_deleted",
    "tag_shuffled",
    "member_created",
    "member_updated",
    "member_deleted",
    "department_created",
    "department_updated",
    "department_deleted",
];

/// What becomes of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is processed.
    Stored,
    /// It is kept and not processed: it was signed too long ago, or in the future.
    Late,
}

impl State {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Late => "late",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Stored, Self::Late].into_iter().find(|state| state.as_str() == text)
    }

    /// Decides by when it was signed; `window` is how far off our clock and WeCom's may be.
    pub fn of(signed_at: Timestamp, now: Timestamp, window: Duration) -> Self {
        let apart = (now - signed_at).abs().to_std().unwrap_or(Duration::MAX);
        if apart <= window { Self::Stored } else { Self::Late }
    }
}

/// A stored callback, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Its place in the order of arrival.
    pub seq: i64,
    /// The app that it was sent to.
    pub app: String,
    /// What becomes of it.
    pub state: State,
    /// When WeCom signed it.
    pub signed_at: Timestamp,
    /// When ingest had read it.
    pub received_at: Timestamp,
    /// What it tells; none until it is parsed.
    pub kind: Option<String>,
    /// When its event was published, or it turned out to tell nobody anything.
    pub processed_at: Option<Timestamp>,
    /// Why it can never be processed.
    pub problem: Option<String>,
}

impl Callback {
    /// Reports whether it waits for nothing: it is processed, cannot be, or was too late.
    pub fn is_settled(&self) -> bool {
        self.processed_at.is_some() || self.problem.is_some() || self.state == State::Late
    }
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    #[test]
    fn a_callback_is_late_outside_the_window_on_either_side() {
        let window = Duration::from_mins(10);
        let signed = from_millis(1_700_000_000_000);
        assert_eq!(State::of(signed, signed + window, window), State::Stored);
        assert_eq!(State::of(signed, signed - window, window), State::Stored);
        assert_eq!(State::of(signed, signed + window + Duration::from_millis(1), window), State::Late);
        assert_eq!(State::of(signed, signed - window - Duration::from_millis(1), window), State::Late);
    }
}
