//! What is to be read from WeCom: callbacks often only say that something changed.

use std::time::Duration;

use scrm_kernel::{CorpId, ExternalUserId, Timestamp, WecomUserId};

/// Something of an enterprise's WeCom that is read as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A member of the staff.
    Member(WecomUserId),
    /// All departments.
    Departments,
    /// All tags for customers.
    Tags,
    /// A customer, with everybody who knows it.
    Customer(ExternalUserId),
}

impl Subject {
    /// Returns the stable name of what sort of subject it is.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Member(_) => "member",
            Self::Departments => "departments",
            Self::Tags => "tags",
            Self::Customer(_) => "customer",
        }
    }

    /// Returns what tells it from others of its kind; empty where an enterprise has one.
    pub fn key(&self) -> String {
        match self {
            Self::Member(user) => user.folded(),
            Self::Departments | Self::Tags => String::new(),
            Self::Customer(customer) => customer.as_str().to_owned(),
        }
    }

    /// Returns the key in WeCom's spelling.
    pub fn spelled(&self) -> &str {
        match self {
            Self::Member(user) => user.as_str(),
            Self::Departments | Self::Tags => "",
            Self::Customer(customer) => customer.as_str(),
        }
    }

    /// Reads what [`kind`](Self::kind) and [`spelled`](Self::spelled) gave.
    pub fn parse(kind: &str, spelled: &str) -> Option<Self> {
        match kind {
            "member" => WecomUserId::parse(spelled).ok().map(Self::Member),
            "departments" => Some(Self::Departments),
            "tags" => Some(Self::Tags),
            "customer" => ExternalUserId::parse(spelled).ok().map(Self::Customer),
            _ => None,
        }
    }
}

/// A subject that somebody wants to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whose it is.
    pub corp: CorpId,
    /// As which app to read; none for the first one.
    pub app: Option<String>,
    /// What to read.
    pub subject: Subject,
    /// Before or after others.
    pub urgency: Urgency,
}

/// Which looks come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Something happened just now.
    Fresh,
    /// A comparison of everything found it.
    Stock,
}

impl Urgency {
    /// Returns its rank; the smallest is first.
    pub const fn rank(self) -> i32 {
        match self {
            Self::Fresh => 0,
            Self::Stock => 1,
        }
    }
}

/// A look that was taken, to be settled before its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its row.
    pub seq: i64,
    /// Whose it is.
    pub corp: CorpId,
    /// As which app to read; none for the first one.
    pub app: Option<String>,
    /// What to read.
    pub subject: Subject,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// When it was taken: what is read is at least as new.
    pub began_at: Timestamp,
    /// Until when it is this process's.
    pub leased_until: Timestamp,
}

/// Returns how long to wait after so many attempts in vain.
pub const fn pause_after(attempts: u32) -> Duration {
    match attempts {
        0 | 1 => Duration::from_secs(10),
        2 => Duration::from_mins(1),
        3 => Duration::from_mins(10),
        _ => Duration::from_hours(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_survives_its_row() {
        let member = Subject::Member(WecomUserId::parse("LiLei").unwrap());
        let customer = Subject::Customer(ExternalUserId::parse("wmA").unwrap());
        for subject in [member, customer, Subject::Departments, Subject::Tags] {
            assert_eq!(Subject::parse(subject.kind(), subject.spelled()), Some(subject));
        }
        assert_eq!(Subject::parse("weather", ""), None);
    }

    #[test]
    fn spellings_of_a_member_are_one_subject() {
        let key = |text| Subject::Member(WecomUserId::parse(text).unwrap()).key();
        assert_eq!(key("LiLei"), key("lilei"));
    }
}
