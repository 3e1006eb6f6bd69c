//! The apps of the company that receive callbacks, as an administrator sees them.

use reqwest::Url;
use scrm_wecom::callback::{AesKey, Credentials};
use serde::Serialize;

use crate::company::Company;
use crate::error::{Error, Result};
use crate::store::StoredApp;

/// An app of the company with everything needed to set up its receiver.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct App {
    /// The sandbox's own word for it, part of control paths.
    pub app: String,
    /// `self_built`, the only kind so far.
    pub kind: String,
    /// The corp it belongs to.
    pub corp_id: String,
    /// WeCom's number of the app.
    pub agent_id: u32,
    /// The secret that gets access tokens.
    pub secret: String,
    /// The token that signs callbacks.
    pub token: String,
    /// The key that encrypts callbacks, 43 characters.
    pub encoding_aes_key: String,
    /// Where callbacks go.
    pub callback_url: Option<String>,
    /// The userids of the members in the app's visible range.
    pub staff: Vec<String>,
}

/// An app ready to send.
pub(crate) struct Sender {
    pub(crate) shown: App,
    pub(crate) credentials: Credentials,
    pub(crate) callback_url: Option<Url>,
}

impl Sender {
    pub(crate) fn new(stored: &StoredApp, company: &Company) -> Result<Self> {
        let key = AesKey::parse(&stored.encoding_aes_key).ok();
        let credentials = key.and_then(|key| Credentials::new(&stored.token, key).ok());
        let credentials = credentials.ok_or_else(|| Error::BadCredentials(stored.app.clone()))?;
        Ok(Self {
            shown: App {
                app: stored.app.clone(),
                kind: stored.kind.clone(),
                corp_id: company.corp_id.clone(),
                agent_id: stored.agent_id,
                secret: stored.secret.clone(),
                token: stored.token.clone(),
                encoding_aes_key: stored.encoding_aes_key.clone(),
                callback_url: stored.callback_url.clone(),
                staff: company.staff.iter().map(|staff| staff.user_id.clone()).collect(),
            },
            credentials,
            callback_url: stored.callback_url.as_deref().map(parsed).transpose()?,
        })
    }
}

/// Checks a callback URL.
pub(crate) fn parsed(url: &str) -> Result<Url> {
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => Ok(parsed),
        _ => Err(Error::BadUrl(url.to_owned())),
    }
}
