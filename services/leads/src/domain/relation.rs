//! Whether a member and a customer are contacts, and for the how manieth time.

use scrm_kernel::Timestamp;

use super::lead::Claim;

/// The number of those who have become contacts once.
pub const FIRST: i32 = 0;

/// A member and a customer. Every event about them may come late, twice, or in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation {
    /// Counts how often they became contacts again after they had parted. One number is one welcome message.
    pub number: i32,
    /// The newest event that made them contacts.
    pub added: Option<Claim>,
    /// The newest event that parted them.
    pub removed: Option<Claim>,
}

impl Relation {
    /// Returns two who have not met, as far as anybody has told.
    pub const fn unheard_of() -> Self {
        Self { number: FIRST, added: None, removed: None }
    }

    /// Notes that they became contacts.
    ///
    /// A half-confirmed contact, the confirmed one after it, and the same told by another app are one relation.
    #[must_use]
    pub fn added(self, claim: Claim) -> Self {
        let is_again = self.removed.is_some_and(|removed| claim > removed)
            && self.added.is_none_or(|added| Some(added) < self.removed);
        let number = if is_again { self.number + 1 } else { self.number };
        Self { number, added: self.added.max(Some(claim)), ..self }
    }

    /// Notes that they parted.
    #[must_use]
    pub fn removed(self, claim: Claim) -> Self {
        Self { removed: self.removed.max(Some(claim)), ..self }
    }

    /// Reports whether they are contacts, as far as anybody has told; `touched` is when they were last seen to become
    /// so otherwise. Of one second both may be true: then WeCom is asked and knows better.
    pub fn is_contact(self, touched: Option<Timestamp>) -> bool {
        let added = self.added.map(|added| added.occurred_at).max(touched);
        let removed = self.removed.map(|removed| removed.occurred_at);
        added.is_some() && added >= removed
    }
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    fn at(second: i64, seq: i64) -> Claim {
        Claim { occurred_at: from_millis(second * 1000), received_seq: seq }
    }

    #[test]
    fn contacts_who_parted_and_met_again_have_the_next_number() {
        let met = Relation::unheard_of().added(at(10, 1)).added(at(12, 2));
        assert_eq!(met.number, 0);
        let again = met.removed(at(20, 3)).added(at(30, 4)).added(at(31, 5));
        assert_eq!(again.number, 1);
        assert_eq!(again.removed(at(31, 6)).added(at(31, 7)).number, 2);
    }

    #[test]
    fn contacts_are_those_who_met_after_they_parted() {
        let second = |second: i64| Some(from_millis(second * 1000));
        let parted = Relation::unheard_of().removed(at(20, 2));
        assert!(!Relation::unheard_of().is_contact(None) && !parted.is_contact(None));
        assert!(Relation::unheard_of().is_contact(second(1)));
        assert!(!parted.is_contact(second(19)) && parted.is_contact(second(20)));
        assert!(parted.added(at(30, 3)).is_contact(second(1)));
    }

    #[test]
    fn what_is_told_again_or_late_changes_nothing() {
        let parted = Relation::unheard_of().added(at(10, 1)).removed(at(20, 2));
        assert_eq!(parted.added(at(10, 1)), parted);
        assert_eq!(parted.added(at(9, 5)).number, 0);
        let late = Relation::unheard_of().removed(at(20, 2)).added(at(10, 1));
        assert_eq!(late, parted);
        assert_eq!(late.added(at(30, 3)).number, 1);
    }
}
