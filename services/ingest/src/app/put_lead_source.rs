//! Lead sources: the addresses to which other systems of the enterprise send leads.

use std::collections::BTreeMap;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{CorpId, FieldError};
use secrecy::{ExposeSecret as _, SecretString};

use super::{App, Error};
use crate::domain::lead_source::{
    Field, LeadSource, Mapping, Pointer, SourceName, checked_label, checked_secret,
};
use crate::store;

/// Bytes of a secret that we make.
const SECRET_BYTES: usize = 32;

/// What an administrator says of a lead source, as typed in.
#[derive(Debug, Clone)]
pub struct SourceForm {
    /// Its name in its address.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The routing group for its leads.
    pub group: String,
    /// Where our fields stand in what it sends; every field at the top, under its own name, when absent.
    pub mapping: Option<BTreeMap<String, String>>,
    /// What it signs with; the one it has, or a new one, when absent.
    pub secret: Option<SecretString>,
    /// The version that it replaces, if the caller cares.
    pub version: Option<i64>,
}

impl App {
    /// Adds a lead source or changes it. Returns the secret when one was made: it is shown this once.
    pub async fn put_lead_source(
        &self,
        actor: &Actor,
        form: &SourceForm,
    ) -> Result<(LeadSource, Option<SecretString>), Error> {
        let corp = actor.allow(Action::ManageConnections)?;
        let checked = check(corp, form)?;
        let mut source = LeadSource { updated_at: self.clock.now(), ..checked };

        let txn = self.db.begin().await?;
        let known = store::lead_source::open(&txn, &self.keys, corp, &source.name).await?;
        let there = known.as_ref().map(|(there, _)| there.version);
        source.version = Self::next_version(form.version, there)?;
        let (secret, is_new) = match (&form.secret, known) {
            (Some(chosen), _) => (chosen.clone(), false),
            (None, Some((_, secret))) => (secret, false),
            (None, None) => (new_secret(), true),
        };
        if !store::lead_source::put(&txn, &self.keys, &source, &secret).await? {
            let ours = store::lead_source::open(&txn, &self.keys, corp, &source.name).await?;
            return Err(match ours {
                Some((there, _)) => Error::Changed(there.version),
                None => Error::SourceNameTaken(source.name),
            });
        }
        txn.commit().await?;
        self.hooks.forget();
        tracing::info!(source.name = %source.name, corp.id = %corp, "Lead source {} is set", source.name);
        Ok((source, is_new.then_some(secret)))
    }

    /// Returns the lead sources of an enterprise.
    pub async fn lead_sources(&self, actor: &Actor) -> Result<Vec<LeadSource>, Error> {
        let corp = actor.allow(Action::ReadConnections)?;
        Ok(store::lead_source::all(self.db.reader(), corp).await?)
    }
}

fn new_secret() -> SecretString {
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    SecretString::from(hex::encode(bytes))
}

/// Checks every field, so that one answer names all that are wrong.
fn check(corp: CorpId, form: &SourceForm) -> Result<LeadSource, Error> {
    let mut wrong = Vec::new();
    let name = SourceName::parse(&form.name)
        .map_err(|error| wrong.push(FieldError::new("source", error.to_string())))
        .ok();
    let mut label = |field: &str, text: &str| {
        checked_label(text).map_err(|error| wrong.push(FieldError::new(field, error.to_string()))).ok()
    };
    let (title, group) = (label("name", &form.title), label("group", &form.group));
    if let Some(Err(error)) = form.secret.as_ref().map(|secret| checked_secret(secret.expose_secret())) {
        wrong.push(FieldError::new("secret", error.to_string()));
    }
    let mapping = match &form.mapping {
        None => Mapping::default(),
        Some(fields) => checked_mapping(fields, &mut wrong),
    };
    match (name, title, group) {
        (Some(name), Some(title), Some(group)) if wrong.is_empty() => Ok(LeadSource {
            name,
            corp,
            title,
            group,
            mapping,
            version: 1,
            updated_at: scrm_kernel::Timestamp::default(),
        }),
        _ => Err(Error::Invalid(wrong)),
    }
}

fn checked_mapping(fields: &BTreeMap<String, String>, wrong: &mut Vec<FieldError>) -> Mapping {
    let mut mapping = BTreeMap::new();
    for (field, pointer) in fields {
        let mut note = |message: String| wrong.push(FieldError::new(format!("mapping.{field}"), message));
        let Some(field) = Field::parse(field) else {
            let known = Field::ALL.map(Field::as_str).join(", ");
            note(format!("is no field; fields are {known}"));
            continue;
        };
        match Pointer::parse(pointer) {
            Ok(pointer) => {
                mapping.insert(field, pointer);
            }
            Err(error) => note(error.to_string()),
        }
    }
    if mapping.is_empty() && wrong.is_empty() {
        wrong.push(FieldError::new("mapping", "names no field"));
    }
    Mapping(mapping)
}
