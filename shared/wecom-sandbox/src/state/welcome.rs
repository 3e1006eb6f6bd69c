//! Welcome codes: what lets a member's greeting through, once and for a few seconds.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};

use super::book::folded;

/// How long a code is good, in milliseconds.
pub(crate) const WINDOW_MS: i64 = 20_000;
/// How long a code is remembered in full, in milliseconds: an unknown one is refused like an expired one.
const REMEMBERED_MS: i64 = 120_000;

/// A code, and whom it concerns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Welcome {
    pub(crate) code: String,
    pub(crate) user_id: String,
    pub(crate) external_user_id: String,
    /// When the customer came, in milliseconds since 1970.
    pub(crate) at: i64,
    /// Whether a greeting went through.
    pub(crate) done: bool,
}

/// A member, by the folded userid, and a customer; or a code alone, whose event named no customer.
pub(crate) type Pair = (String, String);

impl Welcome {
    /// Returns whom a greeting is for. Every app that is told of a contact gets a code of its own for the same two.
    pub(crate) fn pair(&self) -> Pair {
        let customer = if self.external_user_id.is_empty() { &self.code } else { &self.external_user_id };
        (folded(&self.user_id), customer.clone())
    }
}

/// The codes of late.
#[derive(Default)]
pub(crate) struct Welcomes {
    codes: HashMap<String, Welcome>,
    order: VecDeque<(i64, String)>,
    /// Hashes of the codes before these: a late repetition of an event does not make its code good again.
    earlier: HashSet<u64>,
    /// For whom a greeting went through of late, and when its code was handed out.
    greeted: HashMap<Pair, i64>,
    /// For whom a greeting is being sent this moment.
    pub(crate) sending: HashSet<Pair>,
}

impl Welcomes {
    pub(super) fn apply(&mut self, welcome: Welcome) {
        if !self.codes.contains_key(&welcome.code) {
            self.order.push_back((welcome.at, welcome.code.clone()));
        }
        let newest = welcome.at;
        if welcome.done {
            self.greeted.insert(welcome.pair(), welcome.at);
        }
        self.codes.insert(welcome.code.clone(), welcome);
        while let Some((at, code)) = self.order.front()
            && at + REMEMBERED_MS < newest
        {
            self.earlier.insert(hashed(code));
            let pair = self.codes.remove(code).map(|welcome| welcome.pair());
            if let Some(pair) = pair.filter(|pair| self.greeted.get(pair) == Some(at)) {
                self.greeted.remove(&pair);
            }
            self.order.pop_front();
        }
    }

    pub(super) fn snapshot(&self) -> impl Iterator<Item = &Welcome> {
        self.order.iter().filter_map(|(_, code)| self.codes.get(code))
    }

    /// Says whether a code was ever handed out.
    pub(crate) fn is_known(&self, code: &str) -> bool {
        self.codes.contains_key(code) || self.earlier.contains(&hashed(code))
    }

    /// Says whether a greeting went through, with this code or with one that another app got for the same contact.
    pub(crate) fn is_greeted(&self, welcome: &Welcome) -> bool {
        let greeted_at = self.greeted.get(&welcome.pair());
        welcome.done || greeted_at.is_some_and(|at| (at - welcome.at).abs() < WINDOW_MS)
    }

    /// Finds a code of late.
    pub(crate) fn find(&self, code: &str) -> Option<&Welcome> {
        self.codes.get(code)
    }
}

fn hashed(code: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    code.hash(&mut hasher);
    hasher.finish()
}
