//! How fast and how strict the simulated WeCom is, where its documents leave room or a test cannot wait.

use serde::{Deserialize, Serialize};

/// What `PUT /_control/settings` changes; the defaults are WeCom's. Kept over restarts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// After how many seconds a transfer takes effect.
    pub transfer_delay_s: u64,
    /// The share of customers, between 0 and 1, who refuse a transfer.
    pub transfer_refuse: f64,
    /// How often one corp may call one API within a minute.
    pub calls_per_minute: u64,
    /// How many `mark_tag` calls of one corp may be under way.
    pub mark_tag_parallel: u64,
    /// How many messages of an app a member gets within a minute; more vanish silently.
    pub messages_per_minute: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            transfer_delay_s: 24 * 60 * 60,
            transfer_refuse: 0.0,
            calls_per_minute: 10_000,
            mark_tag_parallel: 5,
            messages_per_minute: 30,
        }
    }
}
