//! Getting a token from WeCom itself; only who holds the secret can.

use std::time::Duration;

use scrm_kernel::WecomCorpId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::AccessToken;
use crate::client::call::address;
use crate::client::error::CallError;
use crate::client::{http, reply};

/// Bytes of an answer at most; a token has up to 512.
const MOST_ANSWER: usize = 64 * 1024;
/// What WeCom gives when it does not say (WeCom document 91039).
const USUAL_LIFE: u64 = 7200;

#[derive(Deserialize)]
struct TokenReply {
    #[serde(default)]
    access_token: String,
    expires_in: Option<u64>,
}

/// Asks WeCom once for an app's token (`GET gettoken`), and how long it lives.
///
/// Within the life of a token WeCom gives the same one again, so this may be repeated; asking often meets 45009.
/// For an app made for the enterprise by a provider (代开发) the secret is its permanent code.
pub async fn fetch_token(
    http: &reqwest::Client,
    base_url: &str,
    corp: &WecomCorpId,
    secret: &SecretString,
) -> Result<(AccessToken, Duration), CallError> {
    let secret = secret.expose_secret();
    let mut url = address(base_url, "gettoken")?;
    url.query_pairs_mut().append_pair("corpid", corp.as_str()).append_pair("corpsecret", secret);
    let (status, answer) = http::exchange(http.get(url), MOST_ANSWER).await?;
    let reply: TokenReply = reply::read(status, &answer, &[secret])?;
    if reply.access_token.is_empty() {
        return Err(CallError::Malformed("no token in it".to_owned()));
    }
    let life = Duration::from_secs(reply.expires_in.unwrap_or(USUAL_LIFE));
    Ok((AccessToken::new(reply.access_token), life))
}
