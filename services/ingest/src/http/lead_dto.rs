//! Lead sources and submissions, as JSON.

use std::collections::BTreeMap;

use scrm_http::Moment;
use scrm_kernel::{Cursor, SubmissionId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::SourceForm;
use crate::domain::lead_source::LeadSource;

/// A lead source to add or change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LeadSourceIn {
    /// What people call it; the channel of its leads when they name none.
    name: String,
    /// The routing group of the service leads that decides who gets its leads.
    group: String,
    /// Where our fields stand in what it sends: `{"phone": "/contact/mobile"}`. Fields are `id`, `name`, `phone`, `email`,
    /// `region`, `product`, `channel`, `remark`, `external_user_id` and `unionid`; all at the top, under their own names,
    /// when this is absent. What no field names is kept as answers.
    mapping: Option<BTreeMap<String, String>>,
    /// What it signs with, 16 to 128 characters. When absent, a new source gets one, and an old one keeps its own.
    #[schema(value_type = Option<String>)]
    secret: Option<SecretString>,
}

impl LeadSourceIn {
    pub(super) fn into_form(self, name: String, version: Option<i64>) -> SourceForm {
        let Self { name: title, group, mapping, secret } = self;
        SourceForm { name, title, group, mapping, secret, version }
    }
}

/// A lead source.
#[derive(Serialize, ToSchema)]
pub(super) struct LeadSourceOut {
    /// Its name in its address.
    source: String,
    name: String,
    group: String,
    mapping: BTreeMap<&'static str, String>,
    /// Where it sends leads, below the address of this installation.
    hook_path: String,
    /// What it signs with: shown once, when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// For `If-Match`.
    version: i64,
    updated_at: Moment,
}

impl LeadSourceOut {
    pub(super) fn of(source: LeadSource, secret: Option<SecretString>) -> Self {
        let pointers = source.mapping.0.iter();
        Self {
            hook_path: format!("/hooks/leads/{}", source.name),
            source: source.name.as_str().to_owned(),
            mapping: pointers.map(|(field, pointer)| (field.as_str(), pointer.as_str().to_owned())).collect(),
            name: source.title,
            group: source.group,
            secret: secret.map(|secret| secret.expose_secret().to_owned()),
            version: source.version,
            updated_at: source.updated_at.into(),
        }
    }
}

/// All lead sources.
#[derive(Serialize, ToSchema)]
pub(super) struct LeadSourcesOut {
    pub(super) items: Vec<LeadSourceOut>,
    pub(super) next_cursor: Option<Cursor>,
}

/// A submission that is on the disk.
#[derive(Serialize, ToSchema)]
pub(super) struct SubmittedOut {
    /// Our id of it; the same for every repetition.
    pub(super) id: SubmissionId,
}
