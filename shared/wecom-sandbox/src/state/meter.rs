//! Counts what may happen only so often: calls of an API, messages to a member. Lost on a restart.

use std::collections::HashMap;

const MINUTE_MS: i64 = 60_000;

/// Counters of the running minute, and what was sent of late.
#[derive(Default)]
pub(crate) struct Meter {
    counts: HashMap<String, (i64, u64)>,
    sent: HashMap<u64, Repeat>,
}

/// A message that is not to be sent twice.
#[derive(Debug, Clone)]
pub(crate) struct Repeat {
    /// Until when, in milliseconds since 1970.
    pub(crate) until: i64,
    pub(crate) msgid: String,
    pub(crate) response_code: Option<String>,
}

impl Meter {
    /// Counts one more of `what`, and says whether that is still within `limit` a minute.
    pub(crate) fn allows(&mut self, what: &str, limit: u64, now: i64) -> bool {
        let minute = now.div_euclid(MINUTE_MS);
        if !self.counts.contains_key(what) {
            self.counts.insert(what.to_owned(), (minute, 0));
        }
        let Some((counted, count)) = self.counts.get_mut(what) else { return true };
        if *counted != minute {
            (*counted, *count) = (minute, 0);
        }
        *count += 1;
        *count <= limit
    }

    /// Finds the message with this fingerprint that still stands in the way of a repetition.
    pub(crate) fn repeated(&self, fingerprint: u64, now: i64) -> Option<&Repeat> {
        self.sent.get(&fingerprint).filter(|repeat| now < repeat.until)
    }

    /// Remembers a message that is not to be sent twice.
    pub(crate) fn remember(&mut self, fingerprint: u64, repeat: Repeat, now: i64) {
        if self.sent.len() > 10_000 {
            self.sent.retain(|_, repeat| now < repeat.until);
        }
        self.sent.insert(fingerprint, repeat);
    }
}
