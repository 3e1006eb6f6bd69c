//! Which tags a relation has: here, and in WeCom.
//!
//! A tag set here is a wish until WeCom has taken it; everything else follows what readings show. A wish that WeCom has
//! not taken yet stands against every reading; one that it took is over, and the next reading counts again.

use std::collections::{BTreeMap, BTreeSet};

use scrm_kernel::Timestamp;

/// What somebody wants of a tag here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Whether the relation is to have the tag.
    pub is_on: bool,
    /// Since when.
    pub at: Timestamp,
    /// Why WeCom did not take it.
    pub refusal: Option<String>,
}

/// One tag and one relation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mark {
    /// Whether WeCom has it, as far as anybody knows.
    pub in_wecom: bool,
    /// What is wanted, until WeCom has it.
    pub wish: Option<Wish>,
    /// When WeCom took the last wish: what was read before is older than that.
    pub settled_at: Option<Timestamp>,
}

impl Mark {
    /// Reports whether the relation has the tag, by the wish or else by what WeCom has.
    pub fn is_on(&self) -> bool {
        self.wish.as_ref().map_or(self.in_wecom, |wish| wish.is_on)
    }

    fn is_due(&self) -> bool {
        self.wish.as_ref().is_some_and(|wish| wish.refusal.is_none())
    }
}

/// The tags of a relation, by WeCom's ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tagging {
    /// Also those that it had once.
    pub marks: BTreeMap<String, Mark>,
}

/// What is to change in WeCom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// Tags to put on.
    pub add: Vec<String>,
    /// Tags to take off.
    pub remove: Vec<String>,
}

impl Due {
    /// Reports whether nothing is.
    pub const fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    /// Returns each change, and whether it puts the tag on.
    pub fn each(&self) -> impl Iterator<Item = (&str, bool)> {
        let add = self.add.iter().map(|tag| (tag.as_str(), true));
        add.chain(self.remove.iter().map(|tag| (tag.as_str(), false)))
    }
}

/// What became of one change that WeCom was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The tag.
    pub tag: String,
    /// What it was asked.
    pub is_on: bool,
    /// Why WeCom did not do it.
    pub refusal: Option<String>,
}

impl Tagging {
    /// Returns the tags that the relation has.
    pub fn on(&self) -> BTreeSet<&str> {
        self.marks.iter().filter(|(_, mark)| mark.is_on()).map(|(tag, _)| tag.as_str()).collect()
    }

    /// Returns what is to change in WeCom.
    pub fn due(&self) -> Due {
        let of = |is_on: bool| {
            let due = self.marks.iter().filter(|(_, mark)| mark.is_due() && mark.is_on() == is_on);
            due.map(|(tag, _)| tag.clone()).collect()
        };
        Due { add: of(true), remove: of(false) }
    }

    /// Wants the relation to have these tags and no others.
    pub fn want_exactly(&mut self, tags: &BTreeSet<String>, now: Timestamp) {
        for tag in tags {
            self.want(tag, true, now);
        }
        let others: Vec<String> = self.marks.keys().filter(|tag| !tags.contains(*tag)).cloned().collect();
        for tag in others {
            self.want(&tag, false, now);
        }
    }

    /// Wants a tag on or off; a wish that WeCom refused before is made anew.
    pub fn want(&mut self, tag: &str, is_on: bool, now: Timestamp) {
        let mark = self.marks.entry(tag.to_owned()).or_default();
        let is_refused = mark.wish.as_ref().is_some_and(|wish| wish.refusal.is_some());
        if mark.is_on() != is_on || is_refused {
            mark.wish = Some(Wish { is_on, at: now, refusal: None });
        }
    }

    /// Returns when a tag was last decided on here.
    pub fn decided_at(&self, tag: &str) -> Option<Timestamp> {
        let mark = self.marks.get(tag)?;
        mark.wish.as_ref().map(|wish| wish.at).max(mark.settled_at)
    }

    /// Takes in which tags a reading shows; returns those that WeCom has more or less than was known.
    pub fn read(&mut self, shown: &[String], at: Timestamp) -> Vec<(String, bool)> {
        for tag in shown {
            self.marks.entry(tag.clone()).or_default();
        }
        let mut changes = Vec::new();
        for (tag, mark) in &mut self.marks {
            if mark.settled_at.is_some_and(|settled_at| settled_at >= at) {
                continue;
            }
            let is_shown = shown.contains(tag);
            if mark.in_wecom != is_shown {
                mark.in_wecom = is_shown;
                changes.push((tag.clone(), is_shown));
            }
            // Somebody else did in WeCom what was wanted here.
            mark.wish.take_if(|wish| wish.is_on == is_shown && wish.at < at);
        }
        changes
    }

    /// Takes in the tags of the same relation as they stood under another id of the member; the last reading, at
    /// `read_at`, was of these.
    #[must_use]
    pub fn joined(mut self, others: Self, read_at: Option<Timestamp>) -> Self {
        for (tag, other) in others.marks {
            let mark = self.marks.entry(tag).or_default();
            // WeCom took it after that reading.
            if other.settled_at > mark.settled_at.max(read_at) {
                mark.in_wecom = other.in_wecom;
            }
            mark.settled_at = mark.settled_at.max(other.settled_at);
            let wished_at = |wish: &Option<Wish>| wish.as_ref().map(|wish| wish.at);
            if wished_at(&other.wish) > wished_at(&mark.wish) {
                mark.wish = other.wish;
            }
            let in_wecom = mark.in_wecom;
            mark.wish.take_if(|wish| wish.is_on == in_wecom);
        }
        self
    }

    /// Takes in what WeCom answered; returns the tags that it has more or less than was known.
    pub fn answered(&mut self, outcomes: &[Outcome], now: Timestamp) -> Vec<(String, bool)> {
        let mut changes = Vec::new();
        for Outcome { tag, is_on, refusal } in outcomes {
            let mark = self.marks.entry(tag.clone()).or_default();
            if let Some(refusal) = refusal {
                // What is wanted otherwise by now was not asked yet.
                if let Some(wish) = mark.wish.as_mut().filter(|wish| wish.is_on == *is_on) {
                    wish.refusal = Some(refusal.clone());
                }
                continue;
            }
            mark.settled_at = Some(now);
            mark.wish.take_if(|wish| wish.is_on == *is_on);
            if mark.in_wecom != *is_on {
                mark.in_wecom = *is_on;
                changes.push((tag.clone(), *is_on));
            }
        }
        changes
    }
}
