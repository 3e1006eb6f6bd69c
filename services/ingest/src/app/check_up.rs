//! Connected apps and suites for somebody who checks an installation from outside its processes: their secrets are used
//! here, and not shown.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_cache::Cache;
use scrm_db::Db;
use scrm_kernel::{Clock, CorpId, KeyRing, Timestamp};
use scrm_wecom::callback::{AesKey, Credentials, random_prefix};
use scrm_wecom::client::suite::{SuiteProof, fetch_suite_token};
use scrm_wecom::client::token::{Grant, TokenError, TokenSource, fetch_token};
use scrm_wecom::client::{CallError, Client, Limits};
use sea_orm::DbErr;
use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::connection::{ApiUrl, App, AppKind};
use crate::domain::suite::Suite;
use crate::store;
use crate::store::app::CallbackSecrets;
use crate::store::suite::SuiteSecrets;

/// A connected app, to be tried out.
pub struct AppOnTrial {
    app: App,
    secret: SecretString,
    callback: Option<CallbackSecrets>,
}

/// A suite of a provider, to be tried out.
pub struct SuiteOnTrial {
    suite: Suite,
    secrets: SuiteSecrets,
}

/// A check of a callback address as WeCom makes it.
pub struct Challenge {
    /// Parameters of the address.
    pub query: [(&'static str, String); 4],
    /// What has to come back.
    pub echo: String,
}

/// Returns every app of an installation that signs in by itself, whichever enterprise it belongs to: all but those of
/// third-party suites.
pub async fn apps_on_trial(db: &Db, keys: &KeyRing) -> Result<Vec<AppOnTrial>, DbErr> {
    let mut found = Vec::new();
    for corp in store::corp::all(db.reader()).await? {
        for app in store::app::all(db.reader(), corp.id).await? {
            let Some((app, secrets)) = store::app::open(db.reader(), keys, &app.name).await? else {
                continue;
            };
            let Some(secret) = secrets.secret.filter(|_| app.kind != AppKind::ThirdParty) else { continue };
            found.push(AppOnTrial { app, secret, callback: secrets.callback });
        }
    }
    Ok(found)
}

/// Returns every suite of an installation.
pub async fn suites_on_trial(db: &Db, keys: &KeyRing) -> Result<Vec<SuiteOnTrial>, DbErr> {
    let mut found = Vec::new();
    for corp in store::corp::all(db.reader()).await? {
        for suite in store::suite::all(db.reader(), corp.id).await? {
            let opened = store::suite::open(db.reader(), keys, suite.name.as_str()).await?;
            found.extend(opened.map(|(suite, secrets)| SuiteOnTrial { suite, secrets }));
        }
    }
    Ok(found)
}

impl AppOnTrial {
    /// Returns its name, which is also the last part of its callback address.
    pub fn name(&self) -> &str {
        self.app.name.as_str()
    }

    /// Returns where its WeCom is, without a slash at the end.
    pub fn api_url(&self) -> String {
        self.app.api_url.clone().unwrap_or_else(ApiUrl::public).as_str().to_owned()
    }

    /// Asks WeCom for an access token. WeCom gives the one that it gave before, as long as that lives: nobody loses his.
    pub async fn sign_in(&self, http: &reqwest::Client, now: Timestamp) -> Result<Grant, CallError> {
        let base_url = self.api_url();
        let fetched = fetch_token(http, &base_url, &self.app.wecom_corp, &self.secret).await;
        let (token, life) = fetched?;
        Ok(Grant {
            corp: self.app.corp,
            app: self.name().to_owned(),
            wecom_corp: self.app.wecom_corp.clone(),
            agent_id: self.app.agent_id,
            base_url,
            token,
            expires_at: now + life,
        })
    }

    /// Makes a call that WeCom allows every app, from an address that it trusts.
    pub async fn call(&self, http: &reqwest::Client, grant: Grant, clock: Clock) -> Result<(), CallError> {
        let cache = Cache::in_process("", clock.clone());
        let client = Client::new(http.clone(), Arc::new(Given(grant)), Limits::default(), cache, clock);
        client.of(self.app.corp, Some(self.name())).agent().await.map(drop)
    }

    /// Makes a check of its callback address; `None` when its token or key cannot be used.
    pub fn challenge(&self, now: Timestamp) -> Option<Challenge> {
        let callback = self.callback.as_ref()?;
        Challenge::make(&callback.token, &callback.aes_key, self.app.wecom_corp.as_str(), now)
    }
}

impl SuiteOnTrial {
    /// Returns its name, which is also the last part of its callback address.
    pub fn name(&self) -> &str {
        self.suite.name.as_str()
    }

    /// Returns when WeCom made the newest ticket that came; none before the first one.
    pub fn ticket_at(&self) -> Option<Timestamp> {
        self.suite.ticket_at
    }

    /// Asks WeCom for a token with the newest ticket; `None` before there is one.
    pub async fn sign_in(&self, http: &reqwest::Client) -> Option<Result<(), CallError>> {
        let proof = SuiteProof {
            suite_id: self.suite.suite_id.as_str().to_owned(),
            secret: self.secrets.secret.clone(),
            ticket: self.secrets.ticket.clone()?,
        };
        Some(fetch_suite_token(http, self.suite.url().as_str(), &proof).await.map(drop))
    }

    /// Makes a check of its callback address; `None` when its token or key cannot be used.
    pub fn challenge(&self, now: Timestamp) -> Option<Challenge> {
        let SuiteSecrets { token, aes_key, .. } = &self.secrets;
        Challenge::make(token, aes_key, self.suite.suite_id.as_str(), now)
    }
}

impl Challenge {
    fn make(token: &SecretString, aes_key: &SecretString, receiver: &str, now: Timestamp) -> Option<Self> {
        let key = AesKey::parse(aes_key.expose_secret()).ok()?;
        let credentials = Credentials::new(token.expose_secret(), key).ok()?;
        // Digits, as WeCom's are.
        let echo = u128::from_be_bytes(random_prefix()).to_string();
        let encrypt = credentials.encrypt(random_prefix(), echo.as_bytes(), receiver);
        let (timestamp, nonce) = (now.timestamp().to_string(), "scrm-doctor".to_owned());
        let signature = credentials.sign(&timestamp, &nonce, &encrypt);
        let query =
            [("msg_signature", signature), ("timestamp", timestamp), ("nonce", nonce), ("echostr", encrypt)];
        Some(Self { query, echo })
    }
}

/// One token, whoever asks.
struct Given(Grant);

#[async_trait]
impl TokenSource for Given {
    async fn grant(&self, _: CorpId, _: Option<&str>) -> Result<Grant, TokenError> {
        Ok(self.0.clone())
    }

    async fn invalidate(&self, _: &Grant) -> Result<(), TokenError> {
        Ok(())
    }
}
