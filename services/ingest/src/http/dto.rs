//! What goes in and comes out, as JSON.

use scrm_http::Moment;
use scrm_kernel::{Cursor, Page};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::Connection;
use crate::domain::callback::Callback;
use crate::domain::connection::{self, AppKind, AppName};

/// An app to connect: what WeCom's console shows of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AppIn {
    /// 企业ID.
    wecom_corp_id: String,
    /// `self_built`; the other kinds come through their suite.
    kind: String,
    /// `AgentId`.
    agent_id: i64,
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

impl AppIn {
    pub(super) fn into_connection(self, name: String, version: Option<i64>) -> Connection {
        Connection {
            name,
            wecom_corp_id: self.wecom_corp_id,
            kind: self.kind,
            agent_id: self.agent_id,
            secret: self.secret,
            token: self.token,
            encoding_aes_key: self.encoding_aes_key,
            api_url: self.api_url,
            version,
        }
    }
}

/// What proves the callbacks of an app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CallbackIn {
    /// `Token` of the callback.
    #[schema(value_type = String)]
    pub(super) token: SecretString,
    /// `EncodingAESKey` of the callback.
    #[schema(value_type = String)]
    pub(super) encoding_aes_key: SecretString,
}

/// A connected app, without its secrets.
#[derive(Serialize, ToSchema)]
pub(super) struct AppOut {
    name: String,
    wecom_corp_id: String,
    /// `self_built`, `third_party` or `customized`.
    kind: &'static str,
    /// The suite through which it was authorised.
    suite: Option<String>,
    /// `connected`, or `cancelled` when the enterprise took the authorisation back.
    state: &'static str,
    agent_id: i64,
    /// Where WeCom sends its callbacks, below the address of this installation.
    callback_path: String,
    /// Null for the WeCom that everybody uses.
    api_url: Option<String>,
    /// For `If-Match`.
    version: i64,
    updated_at: Moment,
}

impl From<connection::App> for AppOut {
    fn from(app: connection::App) -> Self {
        Self {
            // A third-party app is called back at its suite's address.
            callback_path: match &app.suite {
                Some(suite) if app.kind == AppKind::ThirdParty => callback_path(suite),
                _ => callback_path(&app.name),
            },
            name: app.name.to_string(),
            wecom_corp_id: app.wecom_corp.into(),
            kind: app.kind.as_str(),
            suite: app.suite.map(|suite| suite.to_string()),
            state: if app.is_authorized { "connected" } else { "cancelled" },
            agent_id: app.agent_id,
            api_url: app.api_url.map(|url| url.as_str().to_owned()),
            version: app.version,
            updated_at: app.updated_at.into(),
        }
    }
}

/// Returns where WeCom calls an app or a suite back.
pub(super) fn callback_path(name: &AppName) -> String {
    format!("/callback/wecom/{name}")
}

/// All connected apps.
#[derive(Serialize, ToSchema)]
pub(super) struct AppsOut {
    pub(super) items: Vec<AppOut>,
    pub(super) next_cursor: Option<Cursor>,
}

/// Which callbacks are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct CallbacksIn {
    /// `stored` or `late`; all when absent.
    pub(super) state: Option<String>,
    /// 1 to 200, 50 when absent.
    pub(super) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// A callback.
#[derive(Serialize, ToSchema)]
pub(super) struct CallbackOut {
    /// Its place in the order of arrival.
    seq: i64,
    app: String,
    /// `stored` or `late`.
    state: &'static str,
    signed_at: Moment,
    received_at: Moment,
    /// What it tells, such as `contact_added`; null until it is processed.
    kind: Option<String>,
    processed_at: Option<Moment>,
    /// Why it can never be processed.
    problem: Option<String>,
}

impl From<Callback> for CallbackOut {
    fn from(callback: Callback) -> Self {
        Self {
            seq: callback.seq,
            app: callback.app,
            state: callback.state.as_str(),
            signed_at: callback.signed_at.into(),
            received_at: callback.received_at.into(),
            kind: callback.kind,
            processed_at: callback.processed_at.map(Moment::from),
            problem: callback.problem,
        }
    }
}

/// A page of callbacks.
#[derive(Serialize, ToSchema)]
pub(super) struct CallbacksOut {
    items: Vec<CallbackOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<Callback>> for CallbacksOut {
    fn from(page: Page<Callback>) -> Self {
        let Page { items, next_cursor } = page.map(CallbackOut::from);
        Self { items, next_cursor }
    }
}
