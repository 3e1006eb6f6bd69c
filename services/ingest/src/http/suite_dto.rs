//! Suites, as JSON.

use scrm_http::Moment;
use scrm_kernel::{CorpId, Cursor, Page};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::dto::callback_path;
use crate::app::SuiteForm;
use crate::domain::suite::{Authorization, Errand, Suite};

/// A suite to set up: what WeCom's provider console shows of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuiteIn {
    /// `SuiteID`, or the id of the template.
    suite_id: String,
    /// `third_party` (第三方应用) or `customized` (代开发应用模版).
    kind: String,
    /// 企业ID of the provider, to which WeCom may address its check of the callback address.
    #[serde(default)]
    provider_corp_id: Option<String>,
    /// `Secret`.
    #[schema(value_type = String)]
    secret: SecretString,
    /// `Token` of the callback.
    #[schema(value_type = String)]
    token: SecretString,
    /// `EncodingAESKey` of the callback.
    #[schema(value_type = String)]
    encoding_aes_key: SecretString,
    /// Where the API of a private or simulated WeCom is; absent for the one that everybody uses.
    #[serde(default)]
    api_url: Option<String>,
}

impl SuiteIn {
    pub(super) fn into_form(self, name: String, version: Option<i64>) -> SuiteForm {
        SuiteForm {
            name,
            suite_id: self.suite_id,
            kind: self.kind,
            provider_corp_id: self.provider_corp_id,
            secret: self.secret,
            token: self.token,
            encoding_aes_key: self.encoding_aes_key,
            api_url: self.api_url,
            version,
        }
    }
}

/// A suite, without its secrets.
#[derive(Serialize, ToSchema)]
pub(super) struct SuiteOut {
    name: String,
    suite_id: String,
    kind: &'static str,
    provider_corp_id: Option<String>,
    /// Where WeCom sends its callbacks (指令回调, and 数据回调 of a third-party app), below the address of this
    /// installation.
    callback_path: String,
    /// Null for the WeCom that everybody uses.
    api_url: Option<String>,
    /// When WeCom made its newest ticket; without one of the last 30 minutes nothing can be asked for.
    ticket_at: Option<Moment>,
    /// For `If-Match`.
    version: i64,
    updated_at: Moment,
}

impl From<Suite> for SuiteOut {
    fn from(suite: Suite) -> Self {
        Self {
            callback_path: callback_path(&suite.name),
            name: suite.name.to_string(),
            suite_id: suite.suite_id.to_string(),
            kind: suite.kind.as_str(),
            provider_corp_id: suite.provider_corp.map(Into::into),
            api_url: suite.api_url.map(|url| url.as_str().to_owned()),
            ticket_at: suite.ticket_at.map(Moment::from),
            version: suite.version,
            updated_at: suite.updated_at.into(),
        }
    }
}

/// All suites.
#[derive(Serialize, ToSchema)]
pub(super) struct SuitesOut {
    pub(super) items: Vec<SuiteOut>,
    pub(super) next_cursor: Option<Cursor>,
}

/// Which page is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct PageIn {
    /// 1 to 200, 50 when absent.
    pub(super) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// What an enterprise let a suite do.
#[derive(Serialize, ToSchema)]
pub(super) struct AuthorizationOut {
    wecom_corp_id: String,
    corp_name: String,
    /// The enterprise here; null if it cancelled before its code was exchanged.
    #[schema(value_type = Option<String>)]
    corp_id: Option<CorpId>,
    /// Its app here.
    app: Option<String>,
    /// `active` or `cancelled`.
    state: &'static str,
    /// Since when.
    decided_at: Moment,
}

impl From<Authorization> for AuthorizationOut {
    fn from(authorization: Authorization) -> Self {
        Self {
            wecom_corp_id: authorization.wecom_corp.into(),
            corp_name: authorization.corp_name,
            corp_id: authorization.corp,
            app: authorization.app.map(|app| app.to_string()),
            state: if authorization.is_active { "active" } else { "cancelled" },
            decided_at: authorization.decided.at.into(),
        }
    }
}

/// A page of authorisations.
#[derive(Serialize, ToSchema)]
pub(super) struct AuthorizationsOut {
    items: Vec<AuthorizationOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<Authorization>> for AuthorizationsOut {
    fn from(page: Page<Authorization>) -> Self {
        let Page { items, next_cursor } = page.map(AuthorizationOut::from);
        Self { items, next_cursor }
    }
}

/// Something that was to be asked of WeCom for a suite.
#[derive(Serialize, ToSchema)]
pub(super) struct ErrandOut {
    id: i64,
    /// `install` and `reset` exchange a code, `refresh` reads an authorisation again.
    kind: &'static str,
    /// `waiting`, `done` or `failed`.
    state: &'static str,
    attempts: u32,
    /// When the enterprise acted.
    told_at: Moment,
    /// Why it did not work, so far or for good.
    problem: Option<String>,
    settled_at: Option<Moment>,
}

impl From<Errand> for ErrandOut {
    fn from(errand: Errand) -> Self {
        Self {
            id: errand.id,
            kind: errand.kind.as_str(),
            state: errand.state.as_str(),
            attempts: errand.attempts,
            told_at: errand.told_at.into(),
            problem: errand.problem,
            settled_at: errand.settled_at.map(Moment::from),
        }
    }
}

/// A page of errands.
#[derive(Serialize, ToSchema)]
pub(super) struct ErrandsOut {
    items: Vec<ErrandOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<Errand>> for ErrandsOut {
    fn from(page: Page<Errand>) -> Self {
        let Page { items, next_cursor } = page.map(ErrandOut::from);
        Self { items, next_cursor }
    }
}
