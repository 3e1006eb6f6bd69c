//! The service's configuration; `config.default.toml` explains every key.

use std::path::Path;
use std::time::Duration;

use scrm_config::ConfigError;
use serde::Deserialize;

/// The section `ingest`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "a number of seconds says so in its name")]
pub struct Config {
    callback_window_s: u32,
    hook_window_s: u32,
    reconcile_every_s: u32,
}

impl Config {
    /// Loads the section: defaults, `file`, environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        scrm_config::load("ingest", include_str!("../config.default.toml"), file)
    }

    /// Returns how far a callback's timestamp may be from our clock.
    pub fn callback_window(&self) -> Duration {
        Duration::from_secs(u64::from(self.callback_window_s))
    }

    /// Returns how far a webhook's timestamp may be from our clock.
    pub fn hook_window(&self) -> Duration {
        Duration::from_secs(u64::from(self.hook_window_s))
    }

    /// Returns how long after the beginning of a comparison with WeCom the next one begins; none if never by itself.
    pub fn reconcile_every(&self) -> Option<Duration> {
        (self.reconcile_every_s > 0).then(|| Duration::from_secs(u64::from(self.reconcile_every_s)))
    }
}
