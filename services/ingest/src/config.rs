//! The service's configuration; `config.default.toml` explains every key.

use std::path::Path;
use std::time::Duration;

use scrm_config::ConfigError;
use serde::Deserialize;

/// The section `ingest`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    callback_window_s: u32,
    hook_window_s: u32,
    reconcile_every_s: u32,
    public_url: PublicUrl,
}

/// An address without a slash at the end; none if it is not known.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct PublicUrl(Option<String>);

impl TryFrom<String> for PublicUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim().trim_end_matches('/');
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match rest {
            None if text.is_empty() => Ok(Self(None)),
            Some(rest) if !rest.is_empty() && !rest.contains(['?', '#', '@']) => {
                Ok(Self(Some(text.to_owned())))
            }
            _ => Err("public_url must be an address such as https://scrm.example.com"),
        }
    }
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

    /// Returns where WeCom reaches this installation, without a slash at the end, if that is known.
    pub fn public_url(&self) -> Option<&str> {
        self.public_url.0.as_deref()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_from_outside_is_one_or_empty() {
        let read = |text: &str| PublicUrl::try_from(text.to_owned()).map(|url| url.0);
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("https://scrm.example.com/a/"), Ok(Some("https://scrm.example.com/a".to_owned())));
        for bad in ["scrm.example.com", "https://", "ftp://x", "https://a?b", "https://user:pass@a"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
