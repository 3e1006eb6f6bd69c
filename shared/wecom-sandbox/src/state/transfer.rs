//! Customers on their way from one member to another.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// WeCom's `status` of a transfer that has taken effect.
pub(crate) const DONE: u8 = 1;
/// Its `status` while the customer may still refuse.
pub(crate) const WAITING: u8 = 2;
/// Its `status` after the customer has refused.
pub(crate) const REFUSED: u8 = 3;

/// A transfer of one customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transfer {
    /// Its place among all, from 0.
    pub(crate) number: usize,
    pub(crate) handover: String,
    pub(crate) takeover: String,
    pub(crate) external_user_id: String,
    /// Seconds since 1970.
    pub(crate) at: i64,
    /// When it takes effect, in milliseconds since 1970.
    pub(crate) due_at: i64,
    pub(crate) refuses: bool,
    pub(crate) status: u8,
}

/// All transfers in the order they were asked for.
#[derive(Default)]
pub(crate) struct Transfers {
    all: Vec<Transfer>,
    waiting: BTreeSet<(i64, usize)>,
}

impl Transfers {
    pub(super) fn apply(&mut self, transfer: Transfer) {
        let key = (transfer.due_at, transfer.number);
        if transfer.status == WAITING {
            self.waiting.insert(key)
        } else {
            self.waiting.remove(&key)
        };
        match self.all.get_mut(transfer.number) {
            Some(known) => *known = transfer,
            None => self.all.push(transfer),
        }
    }

    /// Puts another userid in the place of an old one.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let named = self.all.iter_mut().flat_map(|transfer| [&mut transfer.handover, &mut transfer.takeover]);
        for user_id in named.filter(|user_id| user_id.eq_ignore_ascii_case(from)) {
            to.clone_into(user_id);
        }
    }

    /// Returns all transfers.
    pub(crate) fn all(&self) -> &[Transfer] {
        &self.all
    }

    /// Returns when the next one takes effect, in milliseconds since 1970.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.waiting.first().map(|(due_at, _)| *due_at)
    }

    /// Finds one whose time has come.
    pub(crate) fn due(&self, now: i64) -> Option<&Transfer> {
        self.waiting
            .first()
            .filter(|(due_at, _)| *due_at <= now)
            .and_then(|(_, number)| self.all.get(*number))
    }
}
