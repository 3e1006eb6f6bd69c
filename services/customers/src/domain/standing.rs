//! Whether a member and a customer are contacts, by all that was told of it.

use std::time::Duration;

use scrm_kernel::Timestamp;

/// A reading and an event this close to each other do not say which was first: WeCom's times are whole seconds, and
/// its answers lag behind its events.
const UNSURE: Duration = Duration::from_secs(2);

/// When something was so, among all that was told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// WeCom's time, or that of a reading.
    pub occurred_at: Timestamp,
    /// The place in ingest's order of arrival; settles one second.
    pub received_seq: i64,
}

impl Fact {
    /// Reports whether this was so after another thing, without doubt.
    fn is_surely_after(self, other: Option<Self>) -> bool {
        other.is_none_or(|other| self.occurred_at > other.occurred_at + UNSURE)
    }
}

/// Who ended a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedBy {
    /// The member deleted the customer.
    Member,
    /// The customer deleted the member. WeCom goes on listing the relation.
    Customer,
    /// The customer went over to another member.
    Transfer,
    /// Nobody told.
    Unknown,
}

impl RemovedBy {
    const ALL: [Self; 4] = [Self::Member, Self::Customer, Self::Transfer, Self::Unknown];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Customer => "customer",
            Self::Transfer => "transfer",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == text)
    }
}

/// The end of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Who ended it.
    pub by: RemovedBy,
    /// When; none if it was only seen that it had ended.
    pub at: Option<Timestamp>,
}

/// What was told of a member and a customer: the newest of each sort, so that the order of telling does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The newest event that made them contacts.
    pub added: Option<Fact>,
    /// The newest event that parted them.
    pub removed: Option<(Fact, RemovedBy)>,
    /// The newest reading that lists the member.
    pub listed: Option<Fact>,
    /// When they became contacts, as that reading says.
    pub met_at: Option<Timestamp>,
}

impl Standing {
    /// Notes that they became contacts.
    pub fn note_added(&mut self, fact: Fact) {
        self.added = self.added.max(Some(fact));
    }

    /// Notes that they parted.
    pub fn note_removed(&mut self, fact: Fact, by: RemovedBy) {
        if self.removed.is_none_or(|(known, _)| fact > known) {
            self.removed = Some((fact, by));
        }
    }

    /// Notes that a reading lists the member; `false` if a newer one did before.
    pub fn note_listed(&mut self, fact: Fact, met_at: Option<Timestamp>) -> bool {
        if self.listed.is_some_and(|known| known > fact) {
            return false;
        }
        (self.listed, self.met_at) = (Some(fact), met_at);
        true
    }

    /// Takes in what was told of the same two under another id of the member; `true` if that knows the newest reading.
    pub fn join(&mut self, other: Self) -> bool {
        self.added = self.added.max(other.added);
        if let Some((fact, by)) = other.removed {
            self.note_removed(fact, by);
        }
        other.listed.is_some_and(|listed| self.note_listed(listed, other.met_at))
    }

    /// Returns since when they are contacts, as far as anybody told.
    pub fn since(&self) -> Option<Timestamp> {
        self.met_at.max(self.added.map(|fact| fact.occurred_at))
    }

    /// Returns how the relation ended; none while they are contacts. `read` is the newest reading of the customer.
    pub fn end(&self, read: Option<Fact>) -> Option<End> {
        if let Some((removed, by)) = self.removed
            && self.added.is_none_or(|added| added < removed)
            && !self.is_listed_again(removed, by)
        {
            return Some(End { by, at: Some(removed.occurred_at) });
        }
        let last = self.added.max(self.listed);
        let is_missing = read.is_some_and(|read| read.is_surely_after(last));
        (is_missing || last.is_none()).then_some(End { by: RemovedBy::Unknown, at: None })
    }

    /// Reports whether a reading shows that they met again after they had parted.
    fn is_listed_again(&self, removed: Fact, by: RemovedBy) -> bool {
        if by == RemovedBy::Customer {
            return self.met_at.is_some_and(|met_at| met_at > removed.occurred_at);
        }
        self.listed.is_some_and(|listed| listed.is_surely_after(Some(removed)))
    }
}
