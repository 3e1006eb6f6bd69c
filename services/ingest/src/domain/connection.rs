//! Enterprises and their apps in WeCom.

use std::fmt;

use scrm_kernel::{CorpId, Timestamp, WecomCorpId};

/// Characters of an app's name at most.
const MOST_NAME: usize = 40;

/// An enterprise that uses Hongyan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corp {
    /// Our id.
    pub id: CorpId,
    /// WeCom's id; none until it is connected.
    pub wecom_id: Option<WecomCorpId>,
}

/// The name of an app: the last part of its callback address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AppName(String);

/// A string that cannot be the name of an app.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MOST_NAME} small letters, digits or hyphens")]
pub struct BadAppName;

impl AppName {
    /// Checks a name from outside.
    pub fn parse(text: &str) -> Result<Self, BadAppName> {
        let fits = !text.is_empty() && text.len() <= MOST_NAME;
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if fits && text.bytes().all(allowed) { Ok(Self(text.to_owned())) } else { Err(BadAppName) }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What sort of app it is, which decides to whom its callbacks are addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppKind {
    /// 自建应用: made by the enterprise itself; its callbacks are addressed to the corp.
    SelfBuilt,
}

impl AppKind {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SelfBuilt => "self_built",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        (text == Self::SelfBuilt.as_str()).then_some(Self::SelfBuilt)
    }
}

/// A connected app, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its name here.
    pub name: AppName,
    /// Whose app it is.
    pub corp: CorpId,
    /// WeCom's id of that enterprise.
    pub wecom_corp: WecomCorpId,
    /// What sort it is.
    pub kind: AppKind,
    /// WeCom's number of the app.
    pub agent_id: i64,
    /// When it was connected, or its secrets last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_name_fits_into_an_address() {
        assert!(AppName::parse("demo-2").is_ok());
        for bad in ["", "Demo", "a/b", "a b", "例", &"a".repeat(41)] {
            assert_eq!(AppName::parse(bad), Err(BadAppName), "{bad}");
        }
    }
}
