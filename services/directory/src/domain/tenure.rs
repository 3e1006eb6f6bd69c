//! An id of WeCom's, and the member who has or had it.
//!
//! An id is one member's until WeCom renames that member, and then free for another. Leaving does not end a tenure: who
//! comes back under the same id is the same person.

use std::time::Duration;

use scrm_kernel::{StaffId, Timestamp, WecomUserId};

/// WeCom tells the time of a rename in whole seconds: what is read of the former id within that second may be older.
const SECOND: Duration = Duration::from_secs(1);

/// How somebody came to an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Nobody knows how; first heard of then.
    Seen(Timestamp),
    /// By a rename.
    Renamed(Timestamp),
}

impl Begin {
    /// Returns the moment.
    pub const fn at(self) -> Timestamp {
        match self {
            Self::Seen(at) | Self::Renamed(at) => at,
        }
    }
}

/// How somebody ceased to have an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// They have it.
    Open,
    /// By a rename to another one.
    Renamed(Timestamp),
    /// Another member was renamed to it.
    Taken(Timestamp),
}

impl End {
    /// Returns the moment; none while the id is theirs.
    pub const fn at(self) -> Option<Timestamp> {
        match self {
            Self::Open => None,
            Self::Renamed(at) | Self::Taken(at) => Some(at),
        }
    }

    /// Returns the last moment at which the id was theirs for certain; none while it still is.
    pub fn last(self) -> Option<Timestamp> {
        self.at().map(|end| end - SECOND)
    }

    /// Returns what puts ends in order: who has an id now comes last.
    pub const fn order(self) -> (bool, Option<Timestamp>) {
        let at = self.at();
        (at.is_none(), at)
    }

    /// Reports whether the id was still theirs at a moment.
    pub fn is_after(self, moment: Timestamp) -> bool {
        self.at().is_none_or(|end| moment < end)
    }
}

/// One id of one member, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    /// Whose it is.
    pub staff: StaffId,
    /// WeCom's id.
    pub user: WecomUserId,
    /// Since when.
    pub begin: Begin,
    /// Until when.
    pub end: End,
}

/// A member got another id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The id before.
    pub former: WecomUserId,
    /// The id from then on.
    pub user: WecomUserId,
    /// WeCom's time, in whole seconds.
    pub at: Timestamp,
}

impl Rename {
    /// Returns when the former id was free again, at the latest.
    pub fn left_at(&self) -> Timestamp {
        self.at + SECOND
    }
}
