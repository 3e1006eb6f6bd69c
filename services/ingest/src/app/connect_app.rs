//! Connecting an app of an enterprise in WeCom.

use scrm_kernel::{CorpId, FieldError, WecomCorpId};
use scrm_wecom::callback::{AesKey, Credentials};
use secrecy::{ExposeSecret as _, SecretString};

use super::{App, Error};
use crate::domain::connection::{self, AppKind, AppName};
use crate::store;
use crate::store::app::Secrets;

/// What the administrator copies from WeCom's console, as typed in.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Name of the app here.
    pub name: String,
    /// `corpid`.
    pub wecom_corp_id: String,
    /// Such as `self_built`.
    pub kind: String,
    /// `AgentId`.
    pub agent_id: i64,
    /// `Secret`.
    pub secret: SecretString,
    /// `Token` of the callback.
    pub token: SecretString,
    /// `EncodingAESKey` of the callback.
    pub encoding_aes_key: SecretString,
}

impl App {
    /// Connects an app to an enterprise, or replaces its secrets. The enterprise is connected with its first app.
    pub async fn connect_app(&self, corp: CorpId, connection: &Connection) -> Result<connection::App, Error> {
        let checked = check(corp, connection)?;
        let app = connection::App { updated_at: self.clock.now(), ..checked };
        let secrets = Secrets {
            secret: connection.secret.clone(),
            token: connection.token.clone(),
            aes_key: connection.encoding_aes_key.clone(),
        };

        let txn = self.db.begin().await?;
        let found = store::corp::find(&txn, corp).await?.ok_or(Error::CorpNotFound)?;
        match found.wecom_id {
            Some(connected) if connected != app.wecom_corp => {
                return Err(Error::ConnectedElsewhere(connected));
            }
            Some(_) => {}
            None => match store::corp::connect(&txn, corp, &app.wecom_corp).await {
                Ok(_) => {}
                Err(error)
                    if txn
                        .violation(&error)
                        .is_some_and(|violated| violated.is_unique("uq_corp_wecom_id")) =>
                {
                    return Err(Error::WecomCorpTaken(app.wecom_corp));
                }
                Err(error) => return Err(error.into()),
            },
        }
        if !store::app::put(&txn, &self.keys, &app, &secrets).await? {
            return Err(Error::AppNameTaken(app.name));
        }
        txn.commit().await?;
        self.forget_receivers();
        tracing::info!(app.name = %app.name, corp.id = %app.corp, "Connected the app {}", app.name);
        Ok(app)
    }

    /// Returns the connected apps of an enterprise.
    pub async fn apps(&self, corp: CorpId) -> Result<Vec<connection::App>, Error> {
        Ok(store::app::all(self.db.reader(), corp).await?)
    }
}

/// Checks every field, so that one answer names all that are wrong.
fn check(corp: CorpId, connection: &Connection) -> Result<connection::App, Error> {
    let mut wrong = Vec::new();
    let mut note = |field: &str, message: String| wrong.push(FieldError::new(field, message));

    let name = AppName::parse(&connection.name).map_err(|error| note("name", error.to_string())).ok();
    let wecom_corp = WecomCorpId::parse(&connection.wecom_corp_id)
        .map_err(|error| note("wecom_corp_id", error.to_string()))
        .ok();
    let kind = AppKind::parse(&connection.kind);
    if kind.is_none() {
        note("kind", "must be self_built".to_owned());
    }
    if connection.agent_id <= 0 {
        note("agent_id", "must be a positive number".to_owned());
    }
    if connection.secret.expose_secret().trim().is_empty() {
        note("secret", "is empty".to_owned());
    }
    match AesKey::parse(connection.encoding_aes_key.expose_secret()) {
        Err(error) => note("encoding_aes_key", error.to_string()),
        Ok(key) => {
            if let Err(error) = Credentials::new(connection.token.expose_secret(), key) {
                note("token", error.to_string());
            }
        }
    }

    match (name, wecom_corp, kind) {
        (Some(name), Some(wecom_corp), Some(kind)) if wrong.is_empty() => Ok(connection::App {
            name,
            corp,
            wecom_corp,
            kind,
            agent_id: connection.agent_id,
            updated_at: scrm_kernel::Timestamp::default(),
        }),
        _ => Err(Error::Invalid(wrong)),
    }
}
