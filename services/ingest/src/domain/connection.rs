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
    /// When it was connected.
    pub connected_at: Option<Timestamp>,
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

/// Where WeCom's API is, without a slash at the end: `https://qyapi.weixin.qq.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl(String);

/// An address that cannot be that of WeCom's API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be https://host[:port]; http:// only for this machine")]
pub struct BadApiUrl;

impl ApiUrl {
    /// Returns the address of the WeCom that everybody uses.
    pub fn public() -> Self {
        Self("https://qyapi.weixin.qq.com".to_owned())
    }

    /// Checks an address from outside. Secrets go there, so it is encrypted unless it is this machine.
    pub fn parse(text: &str) -> Result<Self, BadApiUrl> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let (is_encrypted, authority) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(authority), _) => (true, authority),
            (None, Some(authority)) => (false, authority),
            (None, None) => return Err(BadApiUrl),
        };
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "1"));
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
        let is_here = host == "localhost"
            || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        let fits = !host.is_empty() && host.bytes().all(is_host) && port.parse::<u16>().is_ok();
        if fits && (is_encrypted || is_here) { Ok(Self(text.to_owned())) } else { Err(BadApiUrl) }
    }

    /// Returns the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What sort of app it is, which decides how it gets tokens and where its callbacks come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppKind {
    /// 自建应用: made by the enterprise itself; it has a secret and an address of its own.
    SelfBuilt,
    /// 第三方应用: installed from a provider's suite. It gets tokens through the suite, whose address its callbacks come to.
    ThirdParty,
    /// 代开发应用: made by a provider for the enterprise. Its permanent code is its secret, and it has an address of its own.
    Customized,
}

impl AppKind {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SelfBuilt => "self_built",
            Self::ThirdParty => "third_party",
            Self::Customized => "customized",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::SelfBuilt, Self::ThirdParty, Self::Customized].into_iter().find(|kind| kind.as_str() == text)
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
    /// The suite through which it was authorised; none for an app that the enterprise made itself.
    pub suite: Option<AppName>,
    /// Whether it may still speak for the enterprise: an authorisation can be taken back.
    pub is_authorized: bool,
    /// WeCom's number of the app; 0 if the authorisation has none.
    pub agent_id: i64,
    /// Counts how often it was connected anew, or its secrets changed, from 1.
    pub version: i64,
    /// When that was last.
    pub updated_at: Timestamp,
    /// Where its WeCom is, if that is not the one that everybody uses: a private deployment, or a simulated one.
    pub api_url: Option<ApiUrl>,
}

impl App {
    /// Returns where its WeCom is.
    pub fn url(&self) -> ApiUrl {
        self.api_url.clone().unwrap_or_else(ApiUrl::public)
    }
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
    #[test]
    fn secrets_go_nowhere_in_clear() {
        for good in ["https://qyapi.weixin.qq.com", "https://wecom.example:8443/", "http://127.0.0.1:8081"] {
            assert!(ApiUrl::parse(good).is_ok(), "{good}");
        }
        let bad =
            ["http://wecom.example", "ftp://x", "https://", "https://a/b", "https://a?b", "https://u@a", ""];
        for bad in bad {
            assert_eq!(ApiUrl::parse(bad), Err(BadApiUrl), "{bad}");
        }
    }
}
