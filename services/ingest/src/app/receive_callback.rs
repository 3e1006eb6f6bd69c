//! Taking in a callback: prove the sender, store, answer. Nothing else happens before the answer.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;
use scrm_kernel::time::from_millis;
use scrm_kernel::{CorpId, Timestamp, WecomCorpId};
use scrm_wecom::callback::{AesKey, Credentials, Plain, Query, Rejected, open_get, open_post};
use sea_orm::DbErr;
use secrecy::ExposeSecret as _;

use super::App;
use crate::domain::callback::{State, door_key, fingerprint};
use crate::domain::connection::AppName;
use crate::domain::suite::{SuiteId, SuiteKind};
use crate::store;
use crate::store::app::CallbackSecrets;
use crate::store::callback::NewCallback;

/// How often, at most, the secrets of an address are read anew because those at hand do not fit.
const READ_AGAIN: TimeDelta = TimeDelta::seconds(1);

/// What WeCom wants to hear when a suite was told something (WeCom document 90613); events of apps need no words.
const COMMAND_ANSWER: &str = "success";

/// A callback as it came over HTTP.
#[derive(Debug, Clone, Copy)]
pub struct RawCallback<'a> {
    /// Last part of the address.
    pub address: &'a str,
    /// Query string, not decoded.
    pub query: &'a str,
    /// Body, not read.
    pub body: &'a [u8],
    /// When all of it was here.
    pub received_at: Timestamp,
}

/// Why a callback is not answered with 200.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nothing proves that WeCom sent it. What exactly was wrong is for our log only.
    #[error("not authentic: {0}")]
    NotAuthentic(String),
    /// WeCom sent it, but too long ago or in the future; it is kept.
    #[error("late")]
    Late,
    /// It is authentic and could not be stored: WeCom shall send it again.
    #[error("not stored: {0}")]
    NotStored(String),
}

impl From<Rejected> for Refusal {
    fn from(rejected: Rejected) -> Self {
        Self::NotAuthentic(rejected.to_string())
    }
}

/// What is called back at an address, with its opened credentials.
pub(super) struct Receiver {
    home: Home,
    addressees: Addressees,
    credentials: Credentials,
}

/// Whose callbacks are stored under which name.
#[derive(Debug, Clone)]
struct Home {
    corp: CorpId,
    name: AppName,
}

/// To whom the callbacks of one address may be addressed (`receiveid`).
enum Addressees {
    /// An app's: to its corp.
    Corp(WecomCorpId),
    /// A suite's: to the suite itself (指令回调), or to a corp that authorised it (数据回调), which is told to its app.
    Suite { suite_id: SuiteId, provider: Option<WecomCorpId>, corps: HashMap<String, Home> },
}

impl Receiver {
    /// Returns where a callback belongs, and the answer that WeCom wants for it.
    fn place(&self, addressee: &str) -> Result<(&Home, &'static str), Rejected> {
        match &self.addressees {
            Addressees::Corp(corp) if corp.as_str() == addressee => Ok((&self.home, "")),
            Addressees::Suite { suite_id, .. } if suite_id.as_str() == addressee => {
                Ok((&self.home, COMMAND_ANSWER))
            }
            Addressees::Suite { corps, .. } => {
                corps.get(addressee).map(|home| (home, "")).ok_or(Rejected::Receiver)
            }
            Addressees::Corp(_) => Err(Rejected::Receiver),
        }
    }

    /// Checks to whom the check of the address is addressed. Of a suite's it may be the provider, who saves it.
    fn expect(&self, addressee: &str) -> Result<(), Rejected> {
        match &self.addressees {
            Addressees::Suite { provider: Some(provider), .. } if provider.as_str() == addressee => Ok(()),
            _ => self.place(addressee).map(drop),
        }
    }
}

impl App {
    /// Stores a callback; when this returns, it is on the disk. A copy of a stored one is as good as stored.
    ///
    /// Returns what to answer.
    pub async fn receive_callback(&self, raw: RawCallback<'_>) -> Result<&'static str, Refusal> {
        let query = Query::parse(raw.query)?;
        let open = |receiver: &Receiver| {
            let plain = open_post(&receiver.credentials, &query, raw.body)?;
            receiver.place(&plain.receiver)?;
            Ok(plain)
        };
        let (receiver, plain) = self.open(raw.address, open).await?;
        let (home, answer) = receiver.place(&plain.receiver)?;

        let signed_at = query.seconds().map(|seconds| from_millis(seconds.saturating_mul(1000)));
        let signed_at = signed_at.unwrap_or_default();
        let state = State::of(signed_at, raw.received_at, self.config.callback_window());
        let hash = digest(&SHA256, &plain.message);
        let hash = hash.as_ref().try_into().expect("SHA-256 gives 32 bytes");
        let fingerprint = fingerprint(&plain.message, hash);
        let callback = NewCallback {
            corp: home.corp,
            app: home.name.as_str().to_owned(),
            fingerprint,
            door_key: door_key(home.corp, home.name.as_str(), &fingerprint),
            body: store::callback::seal(&self.keys, home.corp, &plain.message),
            state,
            signed_at,
            received_at: raw.received_at,
            traceparent: scrm_telemetry::traceparent(),
        };
        self.door.put(callback).await.map_err(|error| Refusal::NotStored(error.to_string()))?;
        if state == State::Late {
            tracing::error!(
                app.name = %home.name, callback.signed_at = %signed_at,
                "Clock or replay: a callback was signed outside the window; it is kept as late"
            );
            return Err(Refusal::Late);
        }
        Ok(answer)
    }

    /// Answers WeCom's check of the address: returns the text to echo.
    pub async fn verify_address(&self, app: &str, query: &str) -> Result<Vec<u8>, Refusal> {
        let query = Query::parse(query)?;
        let open = |receiver: &Receiver| {
            let plain = open_get(&receiver.credentials, &query)?;
            receiver.expect(&plain.receiver)?;
            Ok(plain)
        };
        let (_, plain) = self.open(app, open).await?;
        tracing::info!(app.name = app, receiver = %plain.receiver, "WeCom checked the address of {app}");
        Ok(plain.message)
    }

    /// Opens something encrypted for an address, with its secrets read anew if those at hand do not fit.
    async fn open(
        &self,
        address: &str,
        open: impl Fn(&Receiver) -> Result<Plain, Rejected>,
    ) -> Result<(Arc<Receiver>, Plain), Refusal> {
        let name = AppName::parse(address).map_err(|_| nobody())?;
        let mut receiver = self.receiver(&name).await?;
        let mut opened = open(&receiver);
        // Another process may have changed token, key or both, or an enterprise authorised a suite; a wrong key fails in
        // many ways.
        if opened.is_err() && self.may_read_again(&name) {
            receiver = self.read_receiver(&name).await?;
            opened = open(&receiver);
        }
        Ok((receiver, opened?))
    }

    /// Reports whether secrets may be read anew because those at hand do not fit; forgers must not make us read on and on.
    fn may_read_again(&self, name: &AppName) -> bool {
        let now = self.clock.now();
        let mut read_again = self.read_again.lock().unwrap_or_else(PoisonError::into_inner);
        let last = read_again.get(name).copied();
        let may = last.is_none_or(|last| now - last >= READ_AGAIN);
        if may {
            read_again.insert(name.clone(), now);
        }
        may
    }

    /// Returns what is called back at an address.
    async fn receiver(&self, name: &AppName) -> Result<Arc<Receiver>, Refusal> {
        let cached = self.receivers.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        match cached {
            Some(receiver) => Ok(receiver),
            None => self.read_receiver(name).await,
        }
    }

    async fn read_receiver(&self, name: &AppName) -> Result<Arc<Receiver>, Refusal> {
        let unusable = |error: DbErr| {
            tracing::error!(app.name = %name, error = %error, "Cannot read the secrets of an address");
            Refusal::NotStored(error.to_string())
        };
        let (home, addressees, secrets) = match self.app_at(name).await.map_err(unusable)? {
            Some(found) => found,
            None => self.suite_at(name).await.map_err(unusable)?.ok_or_else(nobody)?,
        };
        let broken = |what: &str| unusable(DbErr::Custom(format!("{what} is not valid any more")));
        let key = AesKey::parse(secrets.aes_key.expose_secret()).map_err(|_| broken("its key"))?;
        let credentials =
            Credentials::new(secrets.token.expose_secret(), key).map_err(|_| broken("its token"))?;
        let receiver = Arc::new(Receiver { home, addressees, credentials });
        let mut receivers = self.receivers.write().unwrap_or_else(PoisonError::into_inner);
        receivers.insert(name.clone(), Arc::clone(&receiver));
        Ok(receiver)
    }

    async fn app_at(&self, name: &AppName) -> Result<Option<(Home, Addressees, CallbackSecrets)>, DbErr> {
        let found = store::app::open(self.db.reader(), &self.keys, name).await?;
        Ok(found.and_then(|(app, secrets)| {
            let home = Home { corp: app.corp, name: app.name };
            secrets.callback.map(|callback| (home, Addressees::Corp(app.wecom_corp), callback))
        }))
    }

    async fn suite_at(&self, name: &AppName) -> Result<Option<(Home, Addressees, CallbackSecrets)>, DbErr> {
        let found = store::suite::open(self.db.reader(), &self.keys, name.as_str()).await?;
        let Some((suite, secrets)) = found else { return Ok(None) };
        let mut corps = HashMap::new();
        // The apps of a template have addresses of their own.
        if suite.kind == SuiteKind::ThirdParty {
            let places = store::authorization::places(self.db.reader(), &suite.name).await?;
            corps
                .extend(places.into_iter().map(|(wecom_corp, corp, name)| (wecom_corp, Home { corp, name })));
        }
        let home = Home { corp: suite.corp, name: suite.name };
        let addressees = Addressees::Suite { suite_id: suite.suite_id, provider: suite.provider_corp, corps };
        Ok(Some((home, addressees, CallbackSecrets { token: secrets.token, aes_key: secrets.aes_key })))
    }
}

/// Answers for an address that nobody has.
fn nobody() -> Refusal {
    Refusal::NotAuthentic("no such app".to_owned())
}
