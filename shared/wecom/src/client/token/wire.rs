//! How services ask ingest for tokens: two paths, their bodies and their failures.
//!
//! Both calls are `POST` with `Authorization: Bearer <mutual secret>`. Answers: 200 with [`GrantOut`], 204 for an
//! invalidation, and on failure [`FailureOut`] with the status of [`FailureOut::status`]. Tokens pass here in
//! clear, so the way between the services must be private.

use scrm_kernel::{CorpId, Timestamp, WecomCorpId};
use serde::{Deserialize, Serialize, Serializer};

use super::{AccessToken, Grant, TokenError};

/// Where a token is asked for.
pub const GRANT_PATH: &str = "/internal/v1/tokens";
/// Where a refused token is reported.
pub const INVALIDATE_PATH: &str = "/internal/v1/tokens/invalidate";

/// Asks for a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantIn {
    /// The enterprise.
    pub corp_id: CorpId,
    /// Our name of the app; none means the enterprise's first app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
}

/// A token and what is needed to use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantOut {
    /// The enterprise.
    pub corp_id: CorpId,
    /// Our name of the app.
    pub app: String,
    /// WeCom's id of the enterprise.
    pub wecom_corp_id: WecomCorpId,
    /// WeCom's number of the app.
    pub agent_id: i64,
    /// Where WeCom's API is, without `/cgi-bin`.
    pub base_url: String,
    /// The token.
    #[serde(serialize_with = "bare", deserialize_with = "token")]
    pub token: AccessToken,
    /// When WeCom ends it at the latest.
    pub expires_at: Timestamp,
}

/// Reports a refused token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidateIn {
    /// The enterprise.
    pub corp_id: CorpId,
    /// Our name of the app.
    pub app: String,
    /// The token that WeCom refused.
    #[serde(serialize_with = "bare", deserialize_with = "token")]
    pub token: AccessToken,
}

/// Why there is no token. Reads from a problem (RFC 9457) too, whose other members it ignores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureOut {
    /// [`NOT_CONNECTED`], [`REFUSED`] or anything else, which means unavailable.
    pub code: String,
    /// WeCom's code, when WeCom refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errcode: Option<i64>,
    /// What went wrong, in words.
    #[serde(default)]
    pub detail: String,
}

/// Code of [`TokenError::NotConnected`]; status 404.
pub const NOT_CONNECTED: &str = "wecom_app_not_connected";
/// Code of [`TokenError::Refused`]; status 409.
pub const REFUSED: &str = "wecom_refuses_token";
/// Code of [`TokenError::Unavailable`]; status 503.
pub const UNAVAILABLE: &str = "wecom_token_unavailable";

impl FailureOut {
    /// Returns the HTTP status to answer with.
    pub fn status(&self) -> u16 {
        match self.code.as_str() {
            NOT_CONNECTED => 404,
            REFUSED => 409,
            _ => 503,
        }
    }
}

impl From<TokenError> for FailureOut {
    fn from(error: TokenError) -> Self {
        let (code, errcode, detail) = match error {
            TokenError::NotConnected => (NOT_CONNECTED, None, String::new()),
            TokenError::Refused { errcode, errmsg } => (REFUSED, Some(errcode), errmsg),
            TokenError::Unavailable(cause) => (UNAVAILABLE, None, cause),
        };
        Self { code: code.to_owned(), errcode, detail }
    }
}

impl From<FailureOut> for TokenError {
    fn from(failure: FailureOut) -> Self {
        match (failure.code.as_str(), failure.errcode) {
            (NOT_CONNECTED, _) => Self::NotConnected,
            (REFUSED, Some(errcode)) => Self::Refused { errcode, errmsg: failure.detail },
            (UNAVAILABLE, _) => Self::Unavailable(failure.detail),
            (code, _) => Self::Unavailable(format!("ingest says {code}")),
        }
    }
}

impl From<Grant> for GrantOut {
    fn from(grant: Grant) -> Self {
        let Grant { corp, app, wecom_corp, agent_id, base_url, token, expires_at } = grant;
        Self { corp_id: corp, app, wecom_corp_id: wecom_corp, agent_id, base_url, token, expires_at }
    }
}

impl From<GrantOut> for Grant {
    fn from(out: GrantOut) -> Self {
        let GrantOut { corp_id, app, wecom_corp_id, agent_id, base_url, token, expires_at } = out;
        Self { corp: corp_id, app, wecom_corp: wecom_corp_id, agent_id, base_url, token, expires_at }
    }
}

fn bare<S: Serializer>(token: &AccessToken, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

fn token<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<AccessToken, D::Error> {
    String::deserialize(deserializer).map(AccessToken::new)
}
