//! Setting up a suite of a provider, and seeing who authorised it.

use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{CorpId, Cursor, FieldError, Page, PageRequest, Timestamp, WecomCorpId};
use secrecy::{ExposeSecret as _, SecretString};

use super::connect_app::check_callback;
use super::{App, Error};
use crate::domain::connection::{ApiUrl, AppName};
use crate::domain::suite::{Authorization, Errand, Suite, SuiteId, SuiteKind, leaves_room};
use crate::store;
use crate::store::address::Holder;
use crate::store::suite::SuiteSecrets;

/// What the provider copies from WeCom's provider console, as typed in.
#[derive(Debug, Clone)]
pub struct SuiteForm {
    /// Name of the suite here.
    pub name: String,
    /// `SuiteID`, or the id of the template.
    pub suite_id: String,
    /// `third_party` or `customized`.
    pub kind: String,
    /// The provider's own corp id.
    pub provider_corp_id: Option<String>,
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
    /// Sets up a suite, or replaces its secrets. What enterprises authorised stays.
    pub async fn put_suite(&self, actor: &Actor, form: &SuiteForm) -> Result<Suite, Error> {
        let corp = actor.allow(Action::ManageConnections)?;
        let checked = check(corp, form)?;
        let mut suite = Suite { updated_at: self.clock.now(), ..checked };
        let secrets = SuiteSecrets {
            secret: form.secret.clone(),
            token: form.token.clone(),
            aes_key: form.encoding_aes_key.clone(),
            ticket: None,
        };

        let txn = self.db.begin().await?;
        // Locks the name, so that of two who set it up at once the second one sees the first.
        if !store::address::hold(&txn, corp, &suite.name, Holder::Suite).await? {
            return Err(Error::NameTaken(suite.name));
        }
        let there = store::suite::open(&txn, &self.keys, suite.name.as_str()).await?.map(|(there, _)| there);
        if let Some(there) = &there {
            same_suite(&suite, there)?;
        }
        suite.version = Self::next_version(form.version, there.map(|there| there.version))?;
        if !store::suite::put(&txn, &self.keys, &suite, &secrets).await? {
            return Err(Error::NameTaken(suite.name));
        }
        store::app::follow(&txn, &suite).await?;
        // A token of the secret before would be refused as late as it expires.
        store::token::forget(&txn, corp, &suite.name).await?;
        txn.commit().await?;
        self.forget_receivers();
        tracing::info!(suite.name = %suite.name, corp.id = %corp, "The suite {} is set up", suite.name);
        self.suite(corp, suite.name.as_str()).await
    }

    /// Returns the suites of an enterprise.
    pub async fn suites(&self, actor: &Actor) -> Result<Vec<Suite>, Error> {
        let corp = actor.allow(Action::ReadConnections)?;
        Ok(store::suite::all(self.db.reader(), corp).await?)
    }

    /// Lists the enterprises that authorised a suite, those that cancelled too.
    pub async fn authorizations(
        &self,
        actor: &Actor,
        suite: &str,
        page: &PageRequest,
    ) -> Result<Page<Authorization>, Error> {
        let corp = actor.allow(Action::ReadConnections)?;
        let suite = self.suite(corp, suite).await?;
        let after = page.cursor.as_ref().map(Cursor::key).transpose()?;
        Ok(store::authorization::list(self.db.reader(), corp, &suite.name, page, after).await?)
    }

    /// Lists what was to be asked of WeCom for a suite, newest first.
    pub async fn errands(
        &self,
        actor: &Actor,
        suite: &str,
        page: &PageRequest,
    ) -> Result<Page<Errand>, Error> {
        let corp = actor.allow(Action::ReadConnections)?;
        let suite = self.suite(corp, suite).await?;
        let before = page.cursor.as_ref().map(Cursor::key).transpose()?;
        Ok(store::errand::list(self.db.reader(), corp, &suite.name, page, before).await?)
    }

    /// Returns a suite of an enterprise.
    async fn suite(&self, corp: CorpId, name: &str) -> Result<Suite, Error> {
        let found = store::suite::open(self.db.reader(), &self.keys, name).await?;
        let ours = found.map(|(suite, _)| suite).filter(|suite| suite.corp == corp);
        ours.ok_or_else(|| Error::SuiteNotFound(name.to_owned()))
    }
}

/// Checks that a suite stays what it is: its apps were authorised to nothing else.
fn same_suite(suite: &Suite, there: &Suite) -> Result<(), Error> {
    let mut wrong = Vec::new();
    if suite.suite_id != there.suite_id {
        wrong.push(FieldError::new("suite_id", format!("must stay {}", there.suite_id)));
    }
    if suite.kind != there.kind {
        wrong.push(FieldError::new("kind", format!("must stay {}", there.kind.as_str())));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// Checks every field, so that one answer names all that are wrong.
fn check(corp: CorpId, form: &SuiteForm) -> Result<Suite, Error> {
    let mut wrong = Vec::new();
    let mut note = |field: &str, message: String| wrong.push(FieldError::new(field, message));

    let name = AppName::parse(&form.name).map_err(|error| note("name", error.to_string())).ok();
    if name.as_ref().is_some_and(|name| !leaves_room(name)) {
        note("name", "must leave room for the names of its apps: at most 27 characters".to_owned());
    }
    let suite_id = SuiteId::parse(&form.suite_id).map_err(|error| note("suite_id", error.to_string())).ok();
    let kind = SuiteKind::parse(&form.kind);
    if kind.is_none() {
        note("kind", "must be third_party or customized".to_owned());
    }
    let provider_corp = form.provider_corp_id.as_deref().map(WecomCorpId::parse).transpose();
    let provider_corp = provider_corp.map_err(|error| note("provider_corp_id", error.to_string()));
    if form.secret.expose_secret().trim().is_empty() {
        note("secret", "is empty".to_owned());
    }
    let api_url = form.api_url.as_deref().map(ApiUrl::parse).transpose();
    let api_url = api_url.map_err(|error| note("api_url", error.to_string()));
    check_callback(&form.token, &form.encoding_aes_key, &mut wrong);

    match (name, suite_id, kind, provider_corp, api_url) {
        (Some(name), Some(suite_id), Some(kind), Ok(provider_corp), Ok(api_url)) if wrong.is_empty() => {
            Ok(Suite {
                name,
                corp,
                suite_id,
                kind,
                provider_corp,
                api_url,
                ticket_at: None,
                version: 1,
                updated_at: Timestamp::default(),
            })
        }
        _ => Err(Error::Invalid(wrong)),
    }
}
