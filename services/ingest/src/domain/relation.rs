//! Relations of members and customers, as far as ingest has told of them.

use scrm_kernel::{CorpId, ExternalUserId, ReconciliationId, Timestamp, WecomUserId};

/// A member and a customer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The member.
    pub user: WecomUserId,
    /// The customer.
    pub customer: ExternalUserId,
}

/// How a relation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They are contacts.
    Present,
    /// They have parted.
    Gone,
}

impl Standing {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Gone => "gone",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Present, Self::Gone].into_iter().find(|standing| standing.as_str() == text)
    }
}

/// What a callback tells of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whose it is.
    pub corp: CorpId,
    /// Between whom.
    pub pair: Pair,
    /// How it stands since then.
    pub standing: Standing,
    /// Whether the member has still to confirm the customer: until then WeCom does not list them.
    pub is_half: bool,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The callback's place in the order of arrival.
    pub received_seq: i64,
}

/// What ingest knows of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// How it stands.
    pub standing: Standing,
    /// Since when.
    pub occurred_at: Timestamp,
    /// What the last listing said about it.
    pub fingerprint: Option<Vec<u8>>,
    /// The last comparison that had it.
    pub listed_in: Option<ReconciliationId>,
}

/// What to do about a relation that WeCom lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// It was told, or needs not be.
    Known,
    /// It is older than the connection with WeCom: nobody is told that it began.
    Stock,
    /// Its callback got lost: it is told now.
    Lost,
    /// Its callback may still be on its way.
    TooYoung,
}

/// Judges a relation that WeCom lists and says to have begun at `created_at`.
///
/// A relation that the customer has ended is listed all the same; it is a new one only if it began after that.
pub fn judge(
    known: Option<&Known>,
    created_at: Option<Timestamp>,
    connected_at: Timestamp,
    told_until: Timestamp,
) -> Finding {
    let ended_at = match known {
        Some(Known { standing: Standing::Present, .. }) => return Finding::Known,
        Some(gone) => Some(gone.occurred_at),
        None => None,
    };
    let Some(created_at) = created_at else {
        return if known.is_some() { Finding::Known } else { Finding::Stock };
    };
    if ended_at.is_some_and(|ended_at| created_at <= ended_at) {
        Finding::Known
    } else if created_at > told_until {
        Finding::TooYoung
    } else if created_at.timestamp() >= connected_at.timestamp() {
        // WeCom gives whole seconds: better one contact too many than one too few.
        Finding::Lost
    } else {
        Finding::Stock
    }
}

/// Reports whether so many relations would go at once that a person must look first.
pub const fn is_alarming(gone: u64, of: u64) -> bool {
    gone > 20 && gone * 50 > of
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    fn at(second: i64) -> Timestamp {
        from_millis(second * 1000)
    }

    #[test]
    fn what_is_listed_is_lost_stock_or_known() {
        let judge = |known, created: i64| judge(known, Some(at(created)), at(100), at(200));
        let present =
            Known { standing: Standing::Present, occurred_at: at(110), fingerprint: None, listed_in: None };
        let gone = Known { standing: Standing::Gone, ..present.clone() };
        assert_eq!(judge(None, 150), Finding::Lost);
        assert_eq!((judge(None, 99), judge(None, 100)), (Finding::Stock, Finding::Lost));
        assert_eq!(judge(None, 201), Finding::TooYoung);
        assert_eq!(judge(Some(&present), 150), Finding::Known);
        assert_eq!(judge(Some(&gone), 110), Finding::Known, "the customer left, and is listed");
        assert_eq!(judge(Some(&gone), 111), Finding::Lost, "they came back");
    }

    #[test]
    fn more_than_twenty_and_more_than_two_in_a_hundred_are_alarming() {
        let cases = [(20, 20, false), (21, 21, true), (21, 1050, false), (21, 1049, true), (0, 0, false)];
        for (gone, of, expected) in cases {
            assert_eq!(is_alarming(gone, of), expected, "{gone} of {of}");
        }
    }
}
