//! Access tokens for whoever calls WeCom: the secrets they are made of never leave this service.

use std::time::Duration;

use async_trait::async_trait;
use scrm_kernel::{CorpId, Timestamp, crash};
use scrm_wecom::client::token::{AccessToken, Grant, TokenError, TokenSource, fetch_token};
use scrm_wecom::client::{CallError, Class};
use sea_orm::DbErr;

use super::App;
use crate::domain::connection::{self, ApiUrl, AppName};
use crate::store;
use crate::store::app::Secrets;

/// A token is not given out in its last five minutes.
const MARGIN: Duration = Duration::from_mins(5);
/// How long one process may take to ask WeCom before another one does.
const TURN: Duration = Duration::from_secs(15);
/// How long a caller waits for somebody else's turn.
const PATIENCE: Duration = Duration::from_secs(12);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(40);

#[async_trait]
impl TokenSource for App {
    /// Returns the token that is stored, or asks WeCom. Of all processes one asks: the turn is a row.
    async fn grant(&self, corp: CorpId, app: Option<&str>) -> Result<Grant, TokenError> {
        let (app, secrets) = self.connected(corp, app).await?;
        let url = app.api_url.clone().unwrap_or_else(ApiUrl::public);
        let begun = std::time::Instant::now();
        loop {
            if let Some((token, expires_at)) = self.stored(&app, &url).await? {
                return Ok(grant_of(&app, &url, token, expires_at));
            }
            if let Some((token, expires_at)) = self.fetch_in_turn(&app, &url, &secrets).await? {
                return Ok(grant_of(&app, &url, token, expires_at));
            }
            if begun.elapsed() > PATIENCE {
                return Err(TokenError::Unavailable("another process is still asking WeCom".to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
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

    /// Returns an app of an enterprise and its secrets; the first one, if none is named.
    async fn connected(
        &self,
        corp: CorpId,
        name: Option<&str>,
    ) -> Result<(connection::App, Secrets), TokenError> {
        let name = if let Some(name) = name {
            AppName::parse(name).map_err(|_| TokenError::NotConnected)?
        } else {
            let apps = store::app::all(self.db.reader(), corp).await.map_err(unavailable)?;
            apps.into_iter().next().ok_or(TokenError::NotConnected)?.name
        };
        let found = store::app::open(self.db.reader(), &self.keys, &name).await.map_err(unavailable)?;
        found.filter(|(app, _)| app.corp == corp).ok_or(TokenError::NotConnected)
    }

    async fn stored(
        &self,
        app: &connection::App,
        url: &ApiUrl,
    ) -> Result<Option<(AccessToken, Timestamp)>, TokenError> {
        let found = store::token::find(self.db.reader(), &self.keys, app.corp, &app.name, url).await;
        let usable_until = self.clock.now() + MARGIN;
        Ok(found.map_err(unavailable)?.filter(|(_, expires_at)| *expires_at > usable_until))
    }

    /// Asks WeCom for a token, unless it is somebody else's turn.
    async fn fetch_in_turn(
        &self,
        app: &connection::App,
        url: &ApiUrl,
        secrets: &Secrets,
    ) -> Result<Option<(AccessToken, Timestamp)>, TokenError> {
        let now = self.clock.now();
        let (corp, name, until) = (app.corp, &app.name, now + TURN);
        let is_ours = store::token::take_turn(self.db.writer(), corp, name, url, now, until).await;
        if !is_ours.map_err(unavailable)? {
            return Ok(None);
        }
        crash::point("token.turn_taken");
        // Between our look and our turn somebody may have brought one.
        let brought = self.stored(app, url).await?;
        let fetched = match &brought {
            Some(token) => Ok(token.clone()),
            None => fetch_token(&self.wecom, url.as_str(), &app.wecom_corp, &secrets.secret)
                .await
                .map(|(token, life)| (token, now + life)),
        };
        crash::point("token.fetched");
        let kept = fetched.as_ref().ok();
        let ended = store::token::end_turn(self.db.writer(), &self.keys, corp, name, url, until, kept).await;
        ended.map_err(unavailable)?;
        match fetched {
            Ok(token) => Ok(Some(token)),
            Err(error) => {
                tracing::warn!(app.name = %name, corp.id = %corp, error = %error, "WeCom gives no token for {name}");
                Err(refusal_of(error))
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
        CallError::Wecom { errcode, errmsg, class: Class::Operator | Class::Stop } => {
            TokenError::Refused { errcode, errmsg }
        }
        error => TokenError::Unavailable(error.to_string()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unavailable(error: DbErr) -> TokenError {
    TokenError::Unavailable(error.to_string())
}
