//! A channel (渠道活码): who may answer its code, and whom the code leads to at a moment.
//!
//! WeCom hands the customers of a code to the members on its list, each in turn, and knows nothing of duty hours,
//! weights and caps. So those act through the list: it is worked out again whenever something moves, and WeCom's copy
//! follows.

use std::collections::HashMap;

use scrm_kernel::{Hours, Timestamp, WecomUserId, WorkCalendar};

/// The hours of a week, Monday first, by the corp's clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Week(pub [Hours; 7]);

impl Week {
    fn is_open(&self, at: Timestamp) -> bool {
        WorkCalendar::new(WorkCalendar::default().zone(), self.0.clone()).is_open(at)
    }
}

/// A member on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The member.
    pub user: WecomUserId,
    /// The share of customers, in proportion to those of the others.
    pub weight: u32,
    /// Customers a day at most.
    pub daily_cap: Option<u32>,
    /// When the member is on duty; always, if none.
    pub week: Option<Week>,
}

/// What an administrator wants of a channel's staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Whether customers are to be handed out at all.
    pub is_on: bool,
    /// Who answers, in order; never empty.
    pub staff: Vec<Place>,
    /// Who answers when nobody else can; without hours or cap.
    pub backup: Option<WecomUserId>,
}

/// Why a code leads to somebody it should not lead to. WeCom lets no code lead to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortfall {
    /// The channel is off, and nobody stands in.
    Off,
    /// Nobody is on duty and below the cap, and nobody stands in.
    NobodyFree,
}

impl Shortfall {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Off => "off_without_backup",
            Self::NobodyFree => "nobody_free",
        }
    }

    /// Reads the stable code.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Off, Self::NobodyFree].into_iter().find(|known| known.code() == code)
    }
}

/// Whom a code is to lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The members, in the channel's order; never empty.
    pub users: Vec<WecomUserId>,
    /// What is wrong with that.
    pub shortfall: Option<Shortfall>,
}

/// Customers that members got on one day through one channel, by folded userid.
pub type Adds = HashMap<String, u32>;

impl Plan {
    /// Works out whom the code is to lead to at a moment; `before` is whom it led to until now.
    ///
    /// Those who are on duty and below their cap, and of them
    /// - all, if their weights are equal: WeCom's own turn is fair;
    /// - otherwise those for whom `(adds + 1) / weight` is least, that is who would be least ahead of their share with
    ///   one customer more. The next customer comes to one of them, and that moves the turn.
    ///
    /// If there is nobody: the backup. Without one the list stays, less those who were taken off the channel.
    pub fn wanted(&self, at: Timestamp, adds: &Adds, before: &[WecomUserId]) -> Wanted {
        let free: Vec<&Place> = self.staff.iter().filter(|place| self.is_free(place, at, adds)).collect();
        if !free.is_empty() {
            return Wanted { users: next_in_turn(&free, adds), shortfall: None };
        }
        if let Some(backup) = &self.backup {
            return Wanted { users: vec![backup.clone()], shortfall: None };
        }
        let mut users: Vec<_> = before
            .iter()
            .filter(|user| self.staff.iter().any(|place| place.user == **user))
            .cloned()
            .collect();
        if users.is_empty() {
            users.extend(self.staff.first().map(|place| place.user.clone()));
        }
        let shortfall = if self.is_on { Shortfall::NobodyFree } else { Shortfall::Off };
        Wanted { users, shortfall: Some(shortfall) }
    }

    /// Reports whether a customer who came to `user` at a moment should not have: the member was not on the list by
    /// then, or had reached the cap. `adds` and `before` are as they were before this customer.
    pub fn is_overshoot(
        &self,
        user: &WecomUserId,
        at: Timestamp,
        adds: &Adds,
        before: &[WecomUserId],
    ) -> bool {
        let is_full =
            self.staff.iter().any(|place| place.user == *user && is_full(place, adds_of(place, adds)));
        is_full || !self.wanted(at, adds, before).users.contains(user)
    }

    fn is_free(&self, place: &Place, at: Timestamp, adds: &Adds) -> bool {
        let is_on_duty = place.week.as_ref().is_none_or(|week| week.is_open(at));
        self.is_on && is_on_duty && !is_full(place, adds_of(place, adds))
    }
}

fn adds_of(place: &Place, adds: &Adds) -> u32 {
    adds.get(&place.user.folded()).copied().unwrap_or_default()
}

fn is_full(place: &Place, adds: u32) -> bool {
    place.daily_cap.is_some_and(|cap| adds >= cap)
}

/// Returns those of `free` whose turn it is; never nobody, if `free` is not.
fn next_in_turn(free: &[&Place], adds: &Adds) -> Vec<WecomUserId> {
    let is_level = free.iter().all(|place| place.weight == free[0].weight);
    // a/b <= c/d, without fractions.
    let is_before_or_beside = |one: &Place, other: &Place| {
        let next = |place: &Place| u64::from(adds_of(place, adds)) + 1;
        next(one) * u64::from(other.weight) <= next(other) * u64::from(one.weight)
    };
    let is_next = |place: &Place| is_level || free.iter().all(|other| is_before_or_beside(place, other));
    free.iter().filter(|place| is_next(place)).map(|place| place.user.clone()).collect()
}

#[cfg(test)]
mod tests;
