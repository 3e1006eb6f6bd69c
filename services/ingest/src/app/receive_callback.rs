//! Taking in a callback: prove the sender, store, answer. Nothing else happens before the answer.

use std::sync::{Arc, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;
use scrm_kernel::time::from_millis;
use scrm_kernel::{CorpId, Timestamp};
use scrm_wecom::callback::{AesKey, Credentials, Plain, Query, Rejected, open_get, open_post};
use sea_orm::DbErr;
use secrecy::ExposeSecret as _;

use super::App;
use crate::domain::callback::{State, fingerprint};
use crate::domain::connection::AppName;
use crate::store;
use crate::store::callback::NewCallback;

/// How often, at most, the secrets of an app are read anew because those at hand do not fit.
const READ_AGAIN: TimeDelta = TimeDelta::seconds(1);

/// A callback as it came over HTTP.
#[derive(Debug, Clone, Copy)]
pub struct RawCallback<'a> {
    /// Last part of the address.
    pub app: &'a str,
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

/// The opened credentials of an app.
pub(super) struct Receiver {
    corp: CorpId,
    name: AppName,
    /// To whom its callbacks are addressed.
    addressee: String,
    credentials: Credentials,
}

impl App {
    /// Stores a callback; when this returns, it is on the disk. A copy of a stored one is as good as stored.
    pub async fn receive_callback(&self, raw: RawCallback<'_>) -> Result<(), Refusal> {
        let query = Query::parse(raw.query)?;
        let (receiver, plain) =
            self.open(raw.app, |credentials| open_post(credentials, &query, raw.body)).await?;

        let signed_at = query.seconds().map(|seconds| from_millis(seconds.saturating_mul(1000)));
        let signed_at = signed_at.unwrap_or_default();
        let state = State::of(signed_at, raw.received_at, self.config.callback_window());
        let hash = digest(&SHA256, &plain.message);
        let hash = hash.as_ref().try_into().expect("SHA-256 gives 32 bytes");
        let callback = NewCallback {
            corp: receiver.corp,
            app: receiver.name.as_str().to_owned(),
            fingerprint: fingerprint(&plain.message, hash),
            body: store::callback::seal(&self.keys, receiver.corp, &plain.message),
            state,
            signed_at,
            received_at: raw.received_at,
            traceparent: scrm_telemetry::traceparent(),
        };
        self.door.put(callback).await.map_err(|error| Refusal::NotStored(error.to_string()))?;
        if state == State::Late {
            tracing::error!(
                app.name = %receiver.name, callback.signed_at = %signed_at,
                "Clock or replay: a callback was signed outside the window; it is kept as late"
            );
            return Err(Refusal::Late);
        }
        Ok(())
    }

    /// Answers WeCom's check of the address: returns the text to echo.
    pub async fn verify_address(&self, app: &str, query: &str) -> Result<Vec<u8>, Refusal> {
        let query = Query::parse(query)?;
        let (_, plain) = self.open(app, |credentials| open_get(credentials, &query)).await?;
        Ok(plain.message)
    }

    /// Opens something encrypted for an app, with secrets read anew if those at hand do not fit.
    async fn open(
        &self,
        app: &str,
        open: impl Fn(&Credentials) -> Result<Plain, Rejected>,
    ) -> Result<(Arc<Receiver>, Plain), Refusal> {
        let name = AppName::parse(app).map_err(|_| Refusal::NotAuthentic("no such app".to_owned()))?;
        let mut receiver = self.receiver(&name).await?;
        let open_for = |receiver: &Receiver| {
            let plain = open(&receiver.credentials)?;
            plain.expect_receiver(&[&receiver.addressee])?;
            Ok::<_, Rejected>(plain)
        };
        let mut opened = open_for(&receiver);
        // Another process may have changed token, key or both; a wrong key fails in many ways.
        if opened.is_err() && self.may_read_again(&name) {
            receiver = self.read_receiver(&name).await?;
            opened = open_for(&receiver);
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

    /// Returns the credentials of an app.
    async fn receiver(&self, name: &AppName) -> Result<Arc<Receiver>, Refusal> {
        let cached = self.receivers.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        match cached {
            Some(receiver) => Ok(receiver),
            None => self.read_receiver(name).await,
        }
    }

    async fn read_receiver(&self, name: &AppName) -> Result<Arc<Receiver>, Refusal> {
        let unusable = |error: DbErr| {
            tracing::error!(app.name = %name, error = %error, "Cannot read the secrets of an app");
            Refusal::NotStored(error.to_string())
        };
        let found = store::app::open(self.db.reader(), &self.keys, name).await.map_err(unusable)?;
        let (app, secrets) = found.ok_or_else(|| Refusal::NotAuthentic("no such app".to_owned()))?;
        let broken = |what: &str| unusable(DbErr::Custom(format!("{what} is not valid any more")));
        let key = AesKey::parse(secrets.aes_key.expose_secret()).map_err(|_| broken("its key"))?;
        let credentials =
            Credentials::new(secrets.token.expose_secret(), key).map_err(|_| broken("its token"))?;
        let receiver = Arc::new(Receiver {
            corp: app.corp,
            name: app.name,
            addressee: app.wecom_corp.as_str().to_owned(),
            credentials,
        });
        let mut receivers = self.receivers.write().unwrap_or_else(PoisonError::into_inner);
        receivers.insert(name.clone(), Arc::clone(&receiver));
        Ok(receiver)
    }
}
