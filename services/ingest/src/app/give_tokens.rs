//! Access tokens for whoever calls WeCom: the secrets they are made of never leave this service.

use std::time::Duration;

use async_trait::async_trait;
use scrm_kernel::{CorpId, Timestamp, crash};
use scrm_wecom::client::suite::{SuiteProof, SuiteSpeaker, fetch_suite_token};
use scrm_wecom::client::token::{AccessToken, Grant, TokenError, TokenSource, fetch_token};
use scrm_wecom::client::{CallError, Class};
use sea_orm::DbErr;
use secrecy::SecretString;

use super::App;
use crate::domain::connection::{self, ApiUrl, AppKind, AppName};
use crate::domain::suite::Suite;
use crate::store;
use crate::store::suite::SuiteSecrets;

/// A token is not given out in its last five minutes.
const MARGIN: Duration = Duration::from_mins(5);
/// How long one process may take to ask WeCom before another one does.
const TURN: Duration = Duration::from_secs(15);
/// How long a caller waits for somebody else's turn.
const PATIENCE: Duration = Duration::from_secs(12);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(40);

/// Who speaks with WeCom: a token belongs to one of them.
enum Bearer<'a> {
    App(&'a connection::App, &'a SecretString),
    Suite(&'a Suite, &'a SuiteSecrets),
}

impl Bearer<'_> {
    const fn corp(&self) -> CorpId {
        match self {
            Self::App(app, _) => app.corp,
            Self::Suite(suite, _) => suite.corp,
        }
    }

    /// Apps and suites share one set of names.
    const fn name(&self) -> &AppName {
        match self {
            Self::App(app, _) => &app.name,
            Self::Suite(suite, _) => &suite.name,
        }
    }

    fn url(&self) -> ApiUrl {
        match self {
            Self::App(app, _) => app.api_url.clone().unwrap_or_else(ApiUrl::public),
            Self::Suite(suite, _) => suite.url(),
        }
    }
}

#[async_trait]
impl TokenSource for App {
    /// Returns the token that is stored, or asks WeCom. Of all processes one asks: the turn is a row.
    async fn grant(&self, corp: CorpId, app: Option<&str>) -> Result<Grant, TokenError> {
        let (app, secret) = self.connected(corp, app).await?;
        let bearer = Bearer::App(&app, &secret);
        let (token, expires_at) = self.token(&bearer).await?;
        Ok(grant_of(&app, &bearer.url(), token, expires_at))
    }

    async fn invalidate(&self, grant: &Grant) -> Result<(), TokenError> {
        self.drop_refused_token(grant.corp, &grant.app, &grant.token).await
    }
}

impl App {
    /// Drops a token that WeCom refuses, unless another one came meanwhile.
    pub async fn drop_refused_token(
        &self,
        corp: CorpId,
        app: &str,
        token: &AccessToken,
    ) -> Result<(), TokenError> {
        let name = AppName::parse(app).map_err(|_| TokenError::NotConnected)?;
        let dropped = store::token::drop_refused(self.db.writer(), corp, &name, token).await;
        if dropped.map_err(unavailable)? {
            tracing::warn!(app.name = %name, corp.id = %corp, "WeCom ended the token of {name} early");
        }
        Ok(())
    }

    /// Returns the token with which a suite speaks.
    pub(super) async fn suite_token(&self, name: &AppName) -> Result<AccessToken, TokenError> {
        let found = store::suite::open(self.db.reader(), &self.keys, name.as_str()).await;
        let (suite, secrets) = found.map_err(unavailable)?.ok_or(TokenError::NotConnected)?;
        self.token(&Bearer::Suite(&suite, &secrets)).await.map(|(token, _)| token)
    }

    /// Returns an app of an enterprise and what it proves itself with; the first one, if none is named.
    async fn connected(
        &self,
        corp: CorpId,
        name: Option<&str>,
    ) -> Result<(connection::App, SecretString), TokenError> {
        let name = if let Some(name) = name {
            AppName::parse(name).map_err(|_| TokenError::NotConnected)?
        } else {
            let apps = store::app::all(self.db.reader(), corp).await.map_err(unavailable)?;
            // An installed suite does not take over what the enterprise's own app began.
            let mut usable: Vec<_> = apps.into_iter().filter(|app| app.is_authorized).collect();
            usable.sort_by_key(|app| app.suite.is_some());
            usable.into_iter().next().ok_or(TokenError::NotConnected)?.name
        };
        let found = store::app::open(self.db.reader(), &self.keys, &name).await.map_err(unavailable)?;
        let (app, secrets) = found.filter(|(app, _)| app.corp == corp).ok_or(TokenError::NotConnected)?;
        let secret = secrets.secret.ok_or(TokenError::NotConnected)?;
        Ok((app, secret))
    }

    /// Returns a token that is good for a while, and when it expires.
    async fn token(&self, bearer: &Bearer<'_>) -> Result<(AccessToken, Timestamp), TokenError> {
        let begun = std::time::Instant::now();
        loop {
            if let Some(token) = self.stored(bearer).await? {
                return Ok(token);
            }
            if let Some(token) = self.fetch_in_turn(bearer).await? {
                return Ok(token);
            }
            if begun.elapsed() > PATIENCE {
                return Err(TokenError::Unavailable("another process is still asking WeCom".to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn stored(&self, bearer: &Bearer<'_>) -> Result<Option<(AccessToken, Timestamp)>, TokenError> {
        let (corp, name, url) = (bearer.corp(), bearer.name(), bearer.url());
        let found = store::token::find(self.db.reader(), &self.keys, corp, name, &url).await;
        let usable_until = self.clock.now() + MARGIN;
        Ok(found.map_err(unavailable)?.filter(|(_, expires_at)| *expires_at > usable_until))
    }

    /// Asks WeCom for a token, unless it is somebody else's turn.
    async fn fetch_in_turn(
        &self,
        bearer: &Bearer<'_>,
    ) -> Result<Option<(AccessToken, Timestamp)>, TokenError> {
        let now = self.clock.now();
        let (corp, name, url, until) = (bearer.corp(), bearer.name(), bearer.url(), now + TURN);
        let is_ours = store::token::take_turn(self.db.writer(), corp, name, &url, now, until).await;
        if !is_ours.map_err(unavailable)? {
            return Ok(None);
        }
        crash::point("token.turn_taken");
        // Between our look and our turn somebody may have brought one.
        let brought = self.stored(bearer).await?;
        let fetched = match &brought {
            Some(token) => Ok(token.clone()),
            None => self.fetch(bearer).await.map(|(token, life)| (token, now + life)),
        };
        crash::point("token.fetched");
        let kept = fetched.as_ref().ok();
        let ended = store::token::end_turn(self.db.writer(), &self.keys, corp, name, &url, until, kept).await;
        ended.map_err(unavailable)?;
        match fetched {
            Ok(token) => Ok(Some(token)),
            Err(error) => {
                tracing::warn!(app.name = %name, corp.id = %corp, error = %error, "WeCom gives no token for {name}");
                Err(refusal_of(error))
            }
        }
    }

    /// Asks WeCom for a token, and how long it lives.
    async fn fetch(&self, bearer: &Bearer<'_>) -> Result<(AccessToken, Duration), CallError> {
        let url = bearer.url();
        match bearer {
            Bearer::App(app, secret) => match (app.kind, &app.suite) {
                (AppKind::ThirdParty, Some(suite)) => self.fetch_through(suite, app, secret).await,
                _ => fetch_token(&self.wecom, url.as_str(), &app.wecom_corp, secret).await,
            },
            Bearer::Suite(suite, secrets) => {
                let no_ticket =
                    || TokenError::Unavailable("WeCom has sent the suite no ticket yet".to_owned());
                let proof = SuiteProof {
                    suite_id: suite.suite_id.as_str().to_owned(),
                    secret: secrets.secret.clone(),
                    ticket: secrets.ticket.clone().ok_or_else(no_ticket)?,
                };
                fetch_suite_token(&self.wecom, url.as_str(), &proof).await
            }
        }
    }

    /// Asks for the token of a third-party app, which its suite gets for it.
    async fn fetch_through(
        &self,
        suite: &AppName,
        app: &connection::App,
        permanent_code: &SecretString,
    ) -> Result<(AccessToken, Duration), CallError> {
        let url = app.api_url.clone().unwrap_or_else(ApiUrl::public);
        let mut is_renewed = false;
        loop {
            let token = Box::pin(self.suite_token(suite)).await?;
            let speaker = SuiteSpeaker { http: &self.wecom, base_url: url.as_str(), token: &token };
            match speaker.corp_token(&app.wecom_corp, permanent_code).await {
                Err(error) if error.class() == Class::RefreshToken && !is_renewed => {
                    is_renewed = true;
                    let found = store::suite::open(self.db.reader(), &self.keys, suite.as_str()).await;
                    let found = found.map_err(unavailable)?.ok_or(TokenError::NotConnected)?;
                    self.drop_refused_token(found.0.corp, suite.as_str(), &token).await?;
                }
                outcome => return outcome,
            }
        }
    }
}

fn grant_of(app: &connection::App, url: &ApiUrl, token: AccessToken, expires_at: Timestamp) -> Grant {
    Grant {
        corp: app.corp,
        app: app.name.as_str().to_owned(),
        wecom_corp: app.wecom_corp.clone(),
        agent_id: app.agent_id,
        base_url: url.as_str().to_owned(),
        token,
        expires_at,
    }
}

fn refusal_of(error: CallError) -> TokenError {
    match error {
        CallError::Token(error) => error,
        CallError::Wecom { errcode, errmsg, class: Class::Operator | Class::Stop } => {
            TokenError::Refused { errcode, errmsg }
        }
        error => TokenError::Unavailable(error.to_string()),
    }
}

/// What the database said is for our log only.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unavailable(error: DbErr) -> TokenError {
    tracing::warn!(error = %error, "Cannot read or keep a token");
    TokenError::Unavailable("the database failed".to_owned())
}
