//! Tokens from ingest, when it runs in another process.

use async_trait::async_trait;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use scrm_kernel::CorpId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::wire::{FailureOut, GRANT_PATH, GrantIn, GrantOut, INVALIDATE_PATH, InvalidateIn};
use super::{Grant, TokenError, TokenSource};
use crate::client::http::{self, Broken};

/// Bytes of an answer of ingest at most.
const MOST_ANSWER: usize = 64 * 1024;

/// Asks ingest's internal endpoint. Keeps nothing: put it behind [`CachedTokens`](super::CachedTokens).
#[derive(Debug, Clone)]
pub struct RemoteTokens {
    http: reqwest::Client,
    ingest: String,
    secret: SecretString,
}

impl RemoteTokens {
    /// Asks the ingest at `url` (`http://ingest:8080`), with the secret that both share.
    pub fn new(http: reqwest::Client, url: &str, secret: SecretString) -> Self {
        Self { http, ingest: url.trim_end_matches('/').to_owned(), secret }
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Result<Vec<u8>, TokenError> {
        let request = self
            .http
            .post(format!("{}{path}", self.ingest))
            .bearer_auth(self.secret.expose_secret())
            .header(CONTENT_TYPE, "application/json")
            .json(body);
        let (status, answer) = http::exchange(request, MOST_ANSWER).await.map_err(|broken| match broken {
            Broken::NotSent(cause) | Broken::Lost(cause) => {
                TokenError::Unavailable(format!("ingest: {cause}"))
            }
            Broken::TooLarge => TokenError::Unavailable("ingest: the answer is too large".to_owned()),
        })?;
        if status.is_success() {
            return Ok(answer);
        }
        Err(failure(status, &answer))
    }
}

/// Reads why ingest gives nothing. A 404 of a wrong address has no code of ours and is no `NotConnected`.
fn failure(status: StatusCode, answer: &[u8]) -> TokenError {
    match serde_json::from_slice::<FailureOut>(answer) {
        Ok(failure) => failure.into(),
        Err(_) => TokenError::Unavailable(format!("ingest answers {}", status.as_u16())),
    }
}

#[async_trait]
impl TokenSource for RemoteTokens {
    async fn grant(&self, corp: CorpId, app: Option<&str>) -> Result<Grant, TokenError> {
        let body = GrantIn { corp_id: corp, app: app.map(str::to_owned) };
        let answer = self.post(GRANT_PATH, &body).await?;
        let grant = serde_json::from_slice::<GrantOut>(&answer);
        grant
            .map(Grant::from)
            .map_err(|_| TokenError::Unavailable("ingest: the grant cannot be read".to_owned()))
    }

    async fn invalidate(&self, grant: &Grant) -> Result<(), TokenError> {
        let body = InvalidateIn { corp_id: grant.corp, app: grant.app.clone(), token: grant.token.clone() };
        self.post(INVALIDATE_PATH, &body).await.map(drop)
    }
}
