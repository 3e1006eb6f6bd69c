//! Who of a routing group gets the next lead. Exact: whole numbers only, no drift, no luck.
//!
//! Turns are what fairness is counted in. Somebody who cannot take leads for a while, or who joins later, does not lag
//! behind: their turns are raised to the smallest share of those who can, so that nobody is flooded on coming back.

use scrm_kernel::{Timestamp, WecomUserId};

use super::reason::Reason;

/// How a group chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// 轮询: one after the other.
    RoundRobin,
    /// 权重: by their weights.
    Weighted,
    /// 最少负载: whoever has the fewest open leads.
    LeastLoaded,
}

impl Strategy {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RoundRobin => "round_robin",
            Self::Weighted => "weighted",
            Self::LeastLoaded => "least_loaded",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::RoundRobin, Self::Weighted, Self::LeastLoaded].into_iter().find(|known| known.as_str() == text)
    }
}

/// Somebody who may get leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// WeCom's id.
    pub user: WecomUserId,
    /// Counts for [`Strategy::Weighted`] only; at least 1.
    pub weight: i64,
    /// Leads on one day at most.
    pub daily_cap: Option<i64>,
    /// Open leads at most.
    pub open_cap: Option<i64>,
    /// May get leads at all.
    pub is_active: bool,
    /// Leads got through this group.
    pub assigned: i64,
    /// What fairness is counted in: `assigned`, and the turns that were raised.
    pub turns: i64,
}

/// What a member has to do already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Leads that the rules gave them today, in all groups.
    pub today: i64,
    /// Their open leads, wherever they come from.
    pub open: i64,
}

/// A routing group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name, by which lead sources call it.
    pub name: String,
    /// How it chooses.
    pub strategy: Strategy,
    /// Who gets what no member can take.
    pub backup: Option<WecomUserId>,
    /// In the order that settles ties.
    pub members: Vec<Member>,
    /// How often it was changed.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Whom the rules chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// A member, by their place in the group.
    Member(usize, Reason),
    /// The backup.
    Backup(WecomUserId, Reason),
    /// Nobody: the lead waits.
    Nobody(Reason),
}

impl Member {
    fn can_take(&self, load: Load) -> bool {
        self.is_active
            && self.daily_cap.is_none_or(|cap| load.today < cap)
            && self.open_cap.is_none_or(|cap| load.open < cap)
    }
}

impl Group {
    /// Chooses who gets the next lead; `loads` are those of the members, in their order.
    pub fn choose(&self, loads: &[Load]) -> Choice {
        let able = self.able(loads);
        let chosen = match self.strategy {
            Strategy::RoundRobin | Strategy::Weighted => self.next_turn(&able),
            Strategy::LeastLoaded => {
                able.iter().copied().min_by_key(|index| (loads[*index].open, loads[*index].today, *index))
            }
        };
        let Some(chosen) = chosen else {
            return match &self.backup {
                Some(backup) => Choice::Backup(backup.clone(), Reason::backup(&self.name, backup)),
                None => Choice::Nobody(Reason::no_eligible_member(&self.name)),
            };
        };
        let user = &self.members[chosen].user;
        let reason = match self.strategy {
            Strategy::RoundRobin => Reason::round_robin(&self.name, user),
            Strategy::Weighted => {
                let all = able.iter().map(|index| self.members[*index].weight).sum();
                Reason::weighted(&self.name, user, self.members[chosen].weight, all)
            }
            Strategy::LeastLoaded => Reason::least_loaded(&self.name, user, loads[chosen].open),
        };
        Choice::Member(chosen, reason)
    }

    /// Leaves out who is away; the group is not to be saved like this.
    pub fn set_aside(&mut self, is_away: impl Fn(&WecomUserId) -> bool) {
        for member in &mut self.members {
            member.is_active &= !is_away(&member.user);
        }
        self.backup.take_if(|backup| is_away(backup));
    }

    /// Counts a lead that `chosen` got, and raises who lags behind; returns the members that changed.
    pub fn count(&mut self, chosen: usize, loads: &[Load]) -> Vec<usize> {
        let able = self.able(loads);
        self.members[chosen].assigned += 1;
        self.members[chosen].turns += 1;
        let mut changed = vec![chosen];
        let least = able.into_iter().map(|index| self.share(index)).min_by(compare);
        for (index, load) in loads.iter().enumerate() {
            let fair = least.map_or(0, |least| fair_turns(least, self.weight(index)));
            let is_able = self.members[index].can_take(*load);
            if !is_able && index != chosen && self.members[index].turns < fair {
                self.members[index].turns = fair;
                changed.push(index);
            }
        }
        changed
    }

    /// Takes over the turns of the group as it was before it was changed.
    ///
    /// New members begin with the smallest share. When shares cannot be compared any more, everybody begins anew.
    #[must_use]
    pub fn following(mut self, before: &Self) -> Self {
        let known = |user: &WecomUserId| before.members.iter().position(|member| member.user == *user);
        let mut is_comparable = self.strategy == before.strategy;
        let mut least: Option<(i64, i64)> = None;
        for index in 0..self.members.len() {
            let Some(place) = known(&self.members[index].user) else { continue };
            is_comparable &= self.weight(index) == before.weight(place);
            self.members[index].assigned = before.members[place].assigned;
            self.members[index].turns = before.members[place].turns;
            let share = self.share(index);
            least = Some(
                least.map_or(share, |least| if compare(&share, &least).is_lt() { share } else { least }),
            );
        }
        for index in 0..self.members.len() {
            if !is_comparable {
                self.members[index].turns = 0;
            } else if known(&self.members[index].user).is_none() {
                self.members[index].turns = least.map_or(0, |least| fair_turns(least, self.weight(index)));
            }
        }
        self
    }

    /// Returns those who can take a lead.
    fn able(&self, loads: &[Load]) -> Vec<usize> {
        (0..self.members.len()).filter(|index| self.members[*index].can_take(loads[*index])).collect()
    }

    fn weight(&self, index: usize) -> i64 {
        match self.strategy {
            Strategy::Weighted => self.members[index].weight,
            Strategy::RoundRobin | Strategy::LeastLoaded => 1,
        }
    }

    /// Returns turns and weight: the fraction that fairness compares.
    fn share(&self, index: usize) -> (i64, i64) {
        (self.members[index].turns, self.weight(index))
    }

    /// Returns whose turn it is: the quota method of Balinski and Young.
    ///
    /// Among those who would not get more than their ideal share, rounded up, whoever has the smallest share with one more
    /// lead. Nobody is then ever a whole lead away from the ideal. (Without the bound a heavy member among many light ones
    /// would get its leads far too early.)
    fn next_turn(&self, able: &[usize]) -> Option<usize> {
        let weights: i128 = able.iter().map(|index| i128::from(self.weight(*index))).sum();
        let given: i128 = able.iter().map(|index| i128::from(self.members[*index].turns)).sum();
        let within_ideal = able.iter().copied().filter(|index| {
            let (turns, weight) = self.share(*index);
            i128::from(turns) * weights < (given + 1) * i128::from(weight)
        });
        within_ideal.min_by(|one, other| {
            let with_one_more = |index: usize| (self.share(index).0 + 1, self.share(index).1);
            compare(&with_one_more(*one), &with_one_more(*other)).then(one.cmp(other))
        })
    }
}

/// Compares two fractions without dividing.
fn compare(one: &(i64, i64), other: &(i64, i64)) -> std::cmp::Ordering {
    (i128::from(one.0) * i128::from(other.1)).cmp(&(i128::from(other.0) * i128::from(one.1)))
}

/// Returns the turns that give `weight` no larger a share than `share`.
fn fair_turns(share: (i64, i64), weight: i64) -> i64 {
    let turns = i128::from(share.0) * i128::from(weight) / i128::from(share.1);
    i64::try_from(turns).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
