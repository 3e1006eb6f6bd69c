//! What a storm came to.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// What happened, counted from outside.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// `embedded` or `distributed`.
    pub shape: String,
    /// With which it can be repeated.
    pub seed: u64,
    /// How long people arrived and things went wrong.
    pub seconds: u64,
    /// Arrivals that were wanted in a second.
    pub rate: u64,
    /// Faults by kind, those that never came included.
    pub faults: BTreeMap<String, usize>,
    /// Processes that ended by themselves, and were started again.
    pub ended_by_themselves: Vec<String>,
    /// Customers whose callback was answered with 200.
    pub callbacks_acknowledged: usize,
    /// Forms that were accepted.
    pub forms_acknowledged: usize,
    /// Leads by the state of the welcome message; `form` for those that are not to be greeted.
    pub leads: BTreeMap<String, usize>,
    /// Acknowledged, without a lead.
    pub lost: BTreeSet<String>,
    /// With two leads or two welcome messages.
    pub doubled: BTreeSet<String>,
    /// Without an owner, or with a welcome message that comes to no end.
    pub unfinished: BTreeSet<String>,
    /// Leads that say of their welcome message what is not so.
    pub untrue: BTreeSet<String>,
    /// Events that consumers gave up, by queue and reason.
    pub dead_letters: BTreeMap<String, usize>,
    /// Calls to WeCom that were counted in Redis since it was last killed; none in the embedded shape, which has no Redis.
    pub counted_in_redis: usize,
    /// From the end of a fault to the lead of somebody who arrived after it, other faults meanwhile included.
    pub longest_recovery_ms: u128,
    /// The fault of it.
    pub longest_recovery_after: String,
    /// Faults after which nobody who arrived got a lead.
    pub never_recovered: Vec<String>,
    /// From the last arrival until everything had come to its end.
    pub drained_after_ms: u128,
}

impl Report {
    /// Returns what is wrong; nothing, if all is well.
    pub fn wrong(&self) -> Vec<String> {
        let sets = [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("unfinished", &self.unfinished),
            ("untrue", &self.untrue),
        ];
        let mut wrong: Vec<String> = sets
            .into_iter()
            .filter(|(_, set)| !set.is_empty())
            .map(|(what, set)| format!("{} {what}: {set:?}", set.len()))
            .collect();
        if !self.dead_letters.is_empty() {
            wrong.push(format!("dead letters: {:?}", self.dead_letters));
        }
        if !self.never_recovered.is_empty() {
            wrong.push(format!("never recovered from {:?}", self.never_recovered));
        }
        wrong
    }

    /// Returns the kinds of fault that never came.
    pub fn never_came(&self) -> Vec<&str> {
        self.faults.iter().filter(|(_, times)| **times == 0).map(|(kind, _)| kind.as_str()).collect()
    }

    /// Returns how many arrivals were acknowledged.
    pub const fn acknowledged(&self) -> usize {
        self.callbacks_acknowledged + self.forms_acknowledged
    }
}
