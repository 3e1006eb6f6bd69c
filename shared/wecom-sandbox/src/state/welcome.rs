//! Welcome codes: what lets a member's greeting through, once and for a few seconds.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};

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

/// The codes of late.
#[derive(Default)]
pub(crate) struct Welcomes {
    codes: HashMap<String, Welcome>,
    order: VecDeque<(i64, String)>,
    /// Hashes of the codes before these: a late repetition of an event does not make its code good again.
    earlier: HashSet<u64>,
    /// Codes for which a greeting is being sent this moment.
    pub(crate) sending: HashSet<String>,
}

impl Welcomes {
    pub(super) fn apply(&mut self, welcome: Welcome) {
        if !self.codes.contains_key(&welcome.code) {
            self.order.push_back((welcome.at, welcome.code.clone()));
        }
        let newest = welcome.at;
        self.codes.insert(welcome.code.clone(), welcome);
        while let Some((at, code)) = self.order.front()
            && at + REMEMBERED_MS < newest
        {
            self.earlier.insert(hashed(code));
            self.codes.remove(code);
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
