//! Access tokens: what they are, and where one comes from.
//!
//! Ingest alone holds the secrets that tokens are made of. Every other service asks a [`TokenSource`], which is
//! ingest itself in one process and [`RemoteTokens`] otherwise, and keeps the answer for a while with
//! [`CachedTokens`].

mod cached;
mod fetch;
mod remote;
pub mod wire;

pub use cached::CachedTokens;
pub use fetch::fetch_token;
pub use remote::RemoteTokens;

use std::fmt;

use async_trait::async_trait;
use scrm_kernel::{CorpId, Timestamp, WecomCorpId};
use secrecy::{ExposeSecret as _, SecretString};

/// An access token of one app; compared by value, never printed.
#[derive(Clone)]
pub struct AccessToken(SecretString);

impl AccessToken {
    /// Takes a token as WeCom gave it: up to 512 bytes (WeCom document 91039).
    pub fn new(token: impl Into<String>) -> Self {
        Self(SecretString::from(token.into()))
    }

    /// Returns the bare token, for the query of a call.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for AccessToken {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for AccessToken {}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// What a caller needs to speak as one app of one enterprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The enterprise.
    pub corp: CorpId,
    /// Our name of the app.
    pub app: String,
    /// WeCom's id of the enterprise.
    pub wecom_corp: WecomCorpId,
    /// WeCom's number of the app.
    pub agent_id: i64,
    /// Where WeCom's API is, without `/cgi-bin`: `https://qyapi.weixin.qq.com`.
    pub base_url: String,
    /// The token.
    pub token: AccessToken,
    /// When WeCom ends it at the latest.
    pub expires_at: Timestamp,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The enterprise, or this app of it, is not connected.
    #[error("the app is not connected to WeCom")]
    NotConnected,
    /// WeCom gives no token for the secret that ingest has; an operator must look.
    #[error("WeCom gives no token: {errcode} {errmsg}")]
    Refused {
        /// WeCom's code.
        errcode: i64,
        /// WeCom's words, without hints.
        errmsg: String,
    },
    /// Ingest or WeCom cannot be asked now.
    #[error("no token can be had now: {0}")]
    Unavailable(String),
}

/// Gives access tokens. Whoever implements it sees to it that callers who ask together cause one request to WeCom.
#[async_trait]
pub trait TokenSource: Send + Sync + 'static {
    /// Returns the token of an app; `None` is the enterprise's first app.
    async fn grant(&self, corp: CorpId, app: Option<&str>) -> Result<Grant, TokenError>;

    /// Tells that WeCom refuses this token. Does nothing unless this very token is still the current one.
    async fn invalidate(&self, grant: &Grant) -> Result<(), TokenError>;
}
