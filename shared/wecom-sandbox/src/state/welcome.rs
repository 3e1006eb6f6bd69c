//! Welcome codes: what lets a member's greeting through, once and for a few seconds.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

/// How long a code is good, in milliseconds.
pub(crate) const WINDOW_MS: i64 = 20_000;
/// How long a code is remembered, in milliseconds: an unknown one is refused like an expired one.
const REMEMBERED_MS: i64 = 600_000;

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
            self.codes.remove(code);
            self.order.pop_front();
        }
    }

    pub(super) fn snapshot(&self) -> impl Iterator<Item = &Welcome> {
        self.order.iter().filter_map(|(_, code)| self.codes.get(code))
    }

    /// Finds a code.
    pub(crate) fn find(&self, code: &str) -> Option<&Welcome> {
        self.codes.get(code)
    }
}
