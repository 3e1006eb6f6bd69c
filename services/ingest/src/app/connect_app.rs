//! Connecting an app of an enterprise in WeCom.

use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{CorpId, FieldError, WecomCorpId};
use scrm_wecom::callback::{AesKey, checked_token};
use secrecy::{ExposeSecret as _, SecretString};

use super::{App, Error};
use crate::domain::connection::{self, ApiUrl, AppKind, AppName};
use crate::store;
use crate::store::address::Holder;
use crate::store::app::{CallbackSecrets, Secrets};

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
    /// Where WeCom's API is; none for the one that everybody uses.
    pub api_url: Option<String>,
    /// The version that it replaces, if the caller cares.
    pub version: Option<i64>,
}

impl App {
    /// Connects an app to an enterprise, or replaces its secrets. The enterprise is connected with its first app.
    pub async fn connect_app(
        &self,
        actor: &Actor,
        connection: &Connection,
    ) -> Result<connection::App, Error> {
        let corp = actor.allow(Action::ManageConnections)?;
        let checked = check(corp, connection)?;
        let mut app = connection::App { updated_at: self.clock.now(), ..checked };
        let (token, aes_key) = (connection.token.clone(), connection.encoding_aes_key.clone());
        let secrets = Secrets {
            secret: Some(connection.secret.clone()),
            callback: Some(CallbackSecrets { token, aes_key }),
        };

        let txn = self.db.begin().await?;
        // Connecting first locks the row, so that of two corps at once the second one sees the first.
        if let Err(error) = store::corp::connect(&txn, corp, &app.wecom_corp, app.updated_at).await {
            let violated = txn.violation(&error);
            return Err(match violated {
                Some(violated) if violated.is_unique("uq_corp_wecom_id") => {
                    Error::WecomCorpTaken(app.wecom_corp)
                }
                _ => error.into(),
            });
        }
        let found = store::corp::find(&txn, corp).await?.ok_or(Error::CorpNotFound)?;
        if let Some(connected) = found.wecom_id.filter(|connected| *connected != app.wecom_corp) {
            return Err(Error::ConnectedElsewhere(connected));
        }
        // Locks the name, so that of two who connect it at once the second one sees the first.
        if !store::address::hold(&txn, corp, &app.name, Holder::App).await? {
            return Err(Error::NameTaken(app.name));
        }
        let there = store::app::open(&txn, &self.keys, &app.name).await?.map(|(there, _)| there.version);
        app.version = Self::next_version(connection.version, there)?;
        if !store::app::put(&txn, &self.keys, &app, &secrets).await? {
            return Err(Error::NameTaken(app.name));
        }
        // A token of the secret before would be refused as late as it expires.
        store::token::forget(&txn, corp, &app.name).await?;
        txn.commit().await?;
        self.forget_receivers();
        tracing::info!(app.name = %app.name, corp.id = %app.corp, "Connected the app {}", app.name);
        Ok(app)
    }

    /// Sets token and key with which an app is called back: of a 代开发 app they are all that its authorisation lacks.
    pub async fn set_app_callback(
        &self,
        actor: &Actor,
        name: &str,
        token: &SecretString,
        aes_key: &SecretString,
        version: Option<i64>,
    ) -> Result<connection::App, Error> {
        let corp = actor.allow(Action::ManageConnections)?;
        let mut wrong = Vec::new();
        check_callback(token, aes_key, &mut wrong);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let not_found = || Error::AppNotFound(name.to_owned());
        let name = AppName::parse(name).map_err(|_| not_found())?;
        let callback = CallbackSecrets { token: token.clone(), aes_key: aes_key.clone() };
        let txn = self.db.begin().await?;
        let now = txn.now();
        let (app, _) = store::app::open(&txn, &self.keys, &name)
            .await?
            .filter(|(app, _)| app.corp == corp && app.kind != AppKind::ThirdParty)
            .ok_or_else(not_found)?;
        let next = Self::next_version(version, Some(app.version))?;
        if !store::app::set_callback(&txn, &self.keys, corp, &name, &callback, app.version, now).await? {
            return Err(Error::Changed(next));
        }
        txn.commit().await?;
        self.forget_receivers();
        let app = connection::App { version: next, updated_at: now, ..app };
        tracing::info!(app.name = %name, corp.id = %corp, "The callback of the app {name} is set");
        Ok(app)
    }

    /// Returns the connected apps of an enterprise.
    pub async fn apps(&self, actor: &Actor) -> Result<Vec<connection::App>, Error> {
        let corp = actor.allow(Action::ReadConnections)?;
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
    let kind = AppKind::parse(&connection.kind).filter(|kind| *kind == AppKind::SelfBuilt);
    if kind.is_none() {
        note("kind", "must be self_built: other apps come through their suite".to_owned());
    }
    if connection.agent_id <= 0 {
        note("agent_id", "must be a positive number".to_owned());
    }
    if connection.secret.expose_secret().trim().is_empty() {
        note("secret", "is empty".to_owned());
    }
    check_callback(&connection.token, &connection.encoding_aes_key, &mut wrong);
    let mut note = |field: &str, message: String| wrong.push(FieldError::new(field, message));
    let api_url = connection.api_url.as_deref().map(ApiUrl::parse).transpose();
    let api_url = api_url.map_err(|error| note("api_url", error.to_string())).ok().flatten();

    match (name, wecom_corp, kind) {
        (Some(name), Some(wecom_corp), Some(kind)) if wrong.is_empty() => Ok(connection::App {
            name,
            corp,
            wecom_corp,
            kind,
            suite: None,
            is_authorized: true,
            agent_id: connection.agent_id,
            version: 1,
            updated_at: scrm_kernel::Timestamp::default(),
            api_url,
        }),
        _ => Err(Error::Invalid(wrong)),
    }
}

/// Checks what proves the callbacks of an address.
pub(super) fn check_callback(token: &SecretString, aes_key: &SecretString, wrong: &mut Vec<FieldError>) {
    if let Err(error) = checked_token(token.expose_secret()) {
        wrong.push(FieldError::new("token", error.to_string()));
    }
    if let Err(error) = AesKey::parse(aes_key.expose_secret()) {
        wrong.push(FieldError::new("encoding_aes_key", error.to_string()));
    }
}
