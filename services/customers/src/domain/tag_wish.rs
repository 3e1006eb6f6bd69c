//! A tag that the enterprise is to have in WeCom: wanted here first, made there by one call at a time.

use std::time::Duration;

use scrm_kernel::{CorpId, FieldError, TagWishId, Timestamp};

/// How long the calls of one attempt may take, a look before and after included.
pub const LEASE: Duration = Duration::from_mins(2);
/// Characters of a name at most; WeCom's limit.
const MOST_NAME: usize = 30;

/// A wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagWish {
    /// Ours; WeCom gives the tag another one.
    pub id: TagWishId,
    /// Whose.
    pub corp: CorpId,
    /// What is wanted.
    pub tag: WantedTag,
    /// How far it is.
    pub state: State,
    /// The number of the newest attempt.
    pub attempt: i32,
    /// When it was first wanted.
    pub created_at: Timestamp,
}

/// A tag by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedTag {
    /// The name of its group, which WeCom makes if it is missing.
    pub group: String,
    /// Its name, unique in the group.
    pub name: String,
    /// Higher comes first.
    pub order: Option<u32>,
}

/// How far a wish is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// WeCom is to be asked.
    Waiting {
        /// Why the last attempt did not come to an answer.
        problem: Option<String>,
    },
    /// WeCom is being asked.
    Calling {
        /// Until then at most.
        until: Timestamp,
    },
    /// WeCom has it.
    Made {
        /// WeCom's id.
        tag: String,
    },
    /// WeCom will not have it.
    Refused {
        /// In its words.
        problem: String,
    },
}

/// What is to be done about a wish now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: it has come to an end.
    Nothing,
    /// Somebody else is at it until then.
    Busy(Timestamp),
    /// WeCom is to be asked.
    Call,
}

impl WantedTag {
    /// Checks what somebody wants; the errors name the fields.
    pub fn parse(group: &str, name: &str, order: Option<u32>) -> Result<Self, Vec<FieldError>> {
        let (group, name) = (group.trim(), name.trim());
        let wrong = [("group_name", group), ("name", name)].into_iter().filter(|(_, text)| !is_name(text));
        let words = format!("must be 1 to {MOST_NAME} characters without line breaks");
        let wrong: Vec<_> = wrong.map(|(field, _)| FieldError::new(field, words.clone())).collect();
        if wrong.is_empty() {
            Ok(Self { group: group.to_owned(), name: name.to_owned(), order })
        } else {
            Err(wrong)
        }
    }
}

fn is_name(text: &str) -> bool {
    (1..=MOST_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

impl TagWish {
    /// Returns a new wish.
    pub const fn new(id: TagWishId, corp: CorpId, tag: WantedTag, now: Timestamp) -> Self {
        Self { id, corp, tag, state: State::Waiting { problem: None }, attempt: 0, created_at: now }
    }

    /// Reports whether it comes to something by itself.
    ///
    /// One with a problem waits to be repeated, for an hour or for ever: it may be wanted anew.
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        match &self.state {
            State::Waiting { problem } => problem.is_none(),
            State::Calling { until } => *until > now,
            State::Made { .. } | State::Refused { .. } => false,
        }
    }

    /// Takes the turn to ask WeCom, if it is free.
    pub fn turn(&mut self, now: Timestamp) -> Turn {
        match self.state {
            State::Made { .. } | State::Refused { .. } => Turn::Nothing,
            State::Calling { until } if until > now => Turn::Busy(until),
            // An attempt whose lease is over may have made it: who comes next looks first.
            State::Calling { .. } | State::Waiting { .. } => {
                self.attempt += 1;
                self.state = State::Calling { until: now + LEASE };
                Turn::Call
            }
        }
    }

    /// Reports whether an attempt is the one under way.
    pub const fn is_at(&self, attempt: i32) -> bool {
        self.attempt == attempt && matches!(self.state, State::Calling { .. })
    }
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    fn wish() -> TagWish {
        let (now, tag) = (from_millis(0), WantedTag::parse("Level", "Gold", None).unwrap());
        TagWish::new(TagWishId::mint(now), CorpId::mint(now), tag, now)
    }

    #[test]
    fn a_name_is_one_line_that_wecom_takes() {
        let tag = WantedTag::parse(" 等级 ", " 金牌 ", Some(1)).unwrap();
        assert_eq!((tag.group.as_str(), tag.name.as_str()), ("等级", "金牌"));
        assert!(WantedTag::parse(&"长".repeat(30), "a", None).is_ok());
        for bad in ["", "  ", "a\nb", "a\0", &"长".repeat(31)] {
            let fields: Vec<_> =
                WantedTag::parse(bad, bad, None).unwrap_err().into_iter().map(|error| error.field).collect();
            assert_eq!(fields, ["group_name", "name"], "{bad:?}");
        }
    }

    #[test]
    fn one_attempt_at_a_time() {
        let (mut wish, begin) = (wish(), from_millis(0));
        assert!(wish.is_under_way(begin));
        assert_eq!(wish.turn(begin), Turn::Call);
        assert_eq!(wish.turn(begin), Turn::Busy(begin + LEASE));
        assert!(wish.is_at(1) && wish.is_under_way(begin));
        assert!(!wish.is_under_way(begin + LEASE));
        assert_eq!(wish.turn(begin + LEASE), Turn::Call);
        assert!(wish.is_at(2) && !wish.is_at(1));
        for ended in [State::Made { tag: "et".to_owned() }, State::Refused { problem: "no".to_owned() }] {
            wish.state = ended;
            assert_eq!(wish.turn(begin), Turn::Nothing);
            assert!(!wish.is_under_way(begin) && !wish.is_at(2));
        }
    }
}
