//! People, the ids that they have and had, and what was read of them.
//!
//! Right under any order and any repetition of what is heard: every fact finds its place by its own time. A rename that is
//! heard late may show that two people are one, who are then joined (the one entered first stays), or that one is two, who
//! are then parted (the one entered first keeps what is older).

use std::collections::{BTreeMap, HashMap};

use scrm_kernel::{StaffId, Timestamp, WecomUserId};

use super::staff::{Fact, Member, Reading, State};
use super::tenure::{Begin, End, Rename, Tenure};

/// Somebody, apart from ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// Counts what everybody was told; 0 when that is nothing yet.
    pub version: i64,
    /// What was read last.
    pub reading: Option<Reading>,
    /// The one that this one turned out to be.
    pub same_as: Option<StaffId>,
}

/// Some people and all their tenures, and all tenures of the ids in question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    /// The people.
    pub people: BTreeMap<StaffId, Person>,
    /// Who has or had which id.
    pub tenures: Vec<Tenure>,
    /// When WeCom last said that there is no such id, by its folded form.
    pub gone: HashMap<String, Fact>,
}

impl Roster {
    /// Takes what was read of whoever has an id.
    pub fn read(&mut self, user: &WecomUserId, reading: Reading, mint: &mut dyn FnMut() -> StaffId) {
        let at = reading.fact.occurred_at;
        let index = match self.tenure_at(user, at).map(|index| (index, self.tenures[index].begin)) {
            Some((index, Begin::Seen(since))) => {
                self.tenures[index].begin = Begin::Seen(since.min(at));
                index
            }
            Some((index, Begin::Renamed(since))) if since <= at => index,
            // Somebody had the id before the member who was renamed to it.
            Some((_, Begin::Renamed(since))) => self.enter(user, Begin::Seen(at), End::Taken(since), mint()),
            None => self.enter(user, Begin::Seen(at), End::Open, mint()),
        };
        let person = self.people.entry(self.tenures[index].staff).or_default();
        if person.reading.as_ref().is_none_or(|known| known.fact < reading.fact) {
            person.reading = Some(reading);
            self.tenures[index].user = user.clone();
        }
    }

    /// Takes that WeCom knows no such id.
    pub fn gone(&mut self, user: &WecomUserId, fact: Fact) {
        let known = self.gone.entry(user.folded()).or_insert(fact);
        *known = fact.max(*known);
    }

    /// Takes that a member got another id.
    pub fn renamed(&mut self, rename: &Rename, mint: &mut dyn FnMut() -> StaffId) {
        if rename.former == rename.user {
            return; // Another spelling: the next reading tells it.
        }
        let left = self.leave(rename, mint);
        let came = self.arrive(rename, mint);
        let staff = match (left, came) {
            (Some(one), Some(other)) if one != other => self.join(one, other),
            (Some(one), _) | (None, Some(one)) => one,
            (None, None) => mint(),
        };
        if left.is_none() {
            self.enter(&rename.former, Begin::Seen(rename.at), End::Renamed(rename.left_at()), staff);
        }
        if came.is_none() {
            let next = self.tenure_at(&rename.user, rename.at).map(|index| self.tenures[index].begin.at());
            let end = next.map_or(End::Open, End::Taken);
            self.enter(&rename.user, Begin::Renamed(rename.at), end, staff);
        }
    }

    /// Ends the tenure of a former id; returns whose it was, if anybody's.
    fn leave(&mut self, rename: &Rename, mint: &mut dyn FnMut() -> StaffId) -> Option<StaffId> {
        let left_at = rename.left_at();
        let index = self.tenure_at(&rename.former, rename.at)?;
        let Tenure { staff, begin, end, .. } = self.tenures[index];
        let is_a_later_one = match begin {
            Begin::Seen(since) => since >= left_at,
            Begin::Renamed(since) => since >= rename.at,
        };
        if is_a_later_one {
            return None;
        }
        let is_told_already = end == End::Renamed(left_at);
        // What was heard of the id after this was about somebody else.
        let has_successor = matches!(end, End::Renamed(_)) || self.is_read_from(staff, left_at);
        if !is_told_already && has_successor {
            self.part(index, left_at, mint());
        }
        self.tenures[index].end = End::Renamed(left_at);
        Some(staff)
    }

    /// Finds who has an id since a rename, if anybody is known to; who had it before has it no longer.
    fn arrive(&mut self, rename: &Rename, mint: &mut dyn FnMut() -> StaffId) -> Option<StaffId> {
        let mut index = self.tenure_at(&rename.user, rename.at)?;
        match self.tenures[index].begin {
            Begin::Renamed(since) if since > rename.at => return None,
            Begin::Renamed(since) if since == rename.at => {}
            Begin::Seen(since) if since >= rename.at => {}
            Begin::Seen(_) | Begin::Renamed(_) => index = self.part(index, rename.at, mint()),
        }
        self.tenures[index].begin = Begin::Renamed(rename.at);
        Some(self.tenures[index].staff)
    }

    /// Gives a tenure from `at` on, and whatever followed it, to somebody new; returns the new tenure.
    fn part(&mut self, index: usize, at: Timestamp, newcomer: StaffId) -> usize {
        let Tenure { staff, user, end, .. } = self.tenures[index].clone();
        for tenure in &mut self.tenures {
            if tenure.staff == staff && tenure.end.order() > end.order() {
                tenure.staff = newcomer;
            }
        }
        self.tenures[index].end = End::Taken(at);
        let is_moved = self.is_read_from(staff, at);
        let reading = self.people.get_mut(&staff).and_then(|person| person.reading.take_if(|_| is_moved));
        let read_at = reading.as_ref().map(|reading| reading.fact.occurred_at);
        let since = read_at.filter(|read_at| end.is_after(*read_at));
        let since = since.unwrap_or_else(|| end.last().map_or(at, |last| last.max(at)));
        let place = self.enter(&user, Begin::Seen(since), end, newcomer);
        self.people.entry(newcomer).or_default().reading = reading;
        place
    }

    /// Makes one of two people: the one who was entered first stays.
    fn join(&mut self, one: StaffId, other: StaffId) -> StaffId {
        let rank = |id: StaffId| (self.people.get(&id).is_none_or(|person| person.version == 0), id);
        let (stays, goes) = if rank(one) < rank(other) { (one, other) } else { (other, one) };
        for tenure in self.tenures.iter_mut().filter(|tenure| tenure.staff == goes) {
            tenure.staff = stays;
        }
        let gone = self.people.remove(&goes).unwrap_or_default();
        let person = self.people.entry(stays).or_default();
        let is_newer =
            person.reading.as_ref().map(|known| known.fact) < gone.reading.as_ref().map(|known| known.fact);
        if is_newer {
            person.reading = gone.reading;
        }
        // Whom nobody heard of is no one to be told of.
        if gone.version > 0 {
            self.people.insert(goes, Person { version: gone.version, reading: None, same_as: Some(stays) });
        }
        stays
    }

    fn enter(&mut self, user: &WecomUserId, begin: Begin, end: End, staff: StaffId) -> usize {
        self.people.entry(staff).or_default();
        self.tenures.push(Tenure { staff, user: user.clone(), begin, end });
        self.tenures.len() - 1
    }

    /// Returns the tenure of an id that lasts at a moment, or else the next one that begins after it.
    fn tenure_at(&self, user: &WecomUserId, at: Timestamp) -> Option<usize> {
        let is_wanted = |tenure: &Tenure| tenure.user == *user && tenure.end.is_after(at);
        let indices = (0..self.tenures.len()).filter(|index| is_wanted(&self.tenures[*index]));
        indices.min_by_key(|index| self.tenures[*index].end.order())
    }

    fn is_read_from(&self, staff: StaffId, at: Timestamp) -> bool {
        let reading = self.people.get(&staff).and_then(|person| person.reading.as_ref());
        reading.is_some_and(|reading| reading.fact.occurred_at >= at)
    }

    /// Returns a member as everybody sees one.
    pub fn member(&self, id: StaffId) -> Option<Member> {
        let person = self.people.get(&id)?;
        let mut own: Vec<&Tenure> = self.tenures.iter().filter(|tenure| tenure.staff == id).collect();
        own.sort_by_key(|tenure| tenure.end.order());
        let current = own.iter().rfind(|tenure| tenure.end == End::Open).copied();
        let user = current.map(|tenure| tenure.user.clone());
        let mut former: Vec<WecomUserId> = Vec::new();
        for tenure in own {
            if Some(&tenure.user) != user.as_ref() && !former.contains(&tenure.user) {
                former.push(tenure.user.clone());
            }
        }
        let profile = person.reading.as_ref().map(|reading| reading.profile.clone()).unwrap_or_default();
        let state = match current {
            Some(tenure) if !self.is_gone(tenure, person) => profile.state,
            _ => State::Left,
        };
        Some(Member { id, version: person.version, user, former, profile, state, same_as: person.same_as })
    }

    /// Reports whether WeCom said that there is no such member after the last sign of life.
    fn is_gone(&self, tenure: &Tenure, person: &Person) -> bool {
        let Some(gone) = self.gone.get(&tenure.user.folded()) else { return false };
        let read = person.reading.as_ref().map(|reading| reading.fact);
        let renamed = match tenure.begin {
            Begin::Seen(_) => None,
            Begin::Renamed(occurred_at) => Some(Fact { occurred_at, received_seq: i64::MIN }),
        };
        Some(*gone) > read.max(renamed)
    }

    /// Counts a change of everybody who is not as in `before`; returns them.
    pub fn changed_since(&mut self, before: &Self) -> Vec<Member> {
        let ids: Vec<StaffId> = self.people.keys().copied().collect();
        let mut changed = Vec::new();
        for id in ids {
            let now = self.member(id);
            if now == before.member(id) {
                continue;
            }
            if let Some(person) = self.people.get_mut(&id) {
                person.version += 1;
            }
            changed.extend(self.member(id));
        }
        changed
    }
}

#[cfg(test)]
mod tests;
