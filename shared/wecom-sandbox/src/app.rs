//! The apps of the company, and the suites that a provider offers it: what receives callbacks, as an administrator
//! sees it.

use reqwest::Url;
use scrm_wecom::callback::{AesKey, Credentials};
use serde::Serialize;

use crate::company::{Company, Provider};
use crate::error::{Error, Result};
use crate::event::{Address, Event};
use crate::state::{Corp, Visible};
use crate::store::StoredApp;

/// The kind of an app that the company has built itself.
pub(crate) const SELF_BUILT: &str = "self_built";
/// The kind of a suite that any company can install (第三方应用).
pub(crate) const THIRD_PARTY: &str = "third_party";
/// The kind of a template for apps that a provider builds for a company (代开发应用模版).
pub(crate) const CUSTOMIZED: &str = "customized";

/// An app of the company, or a suite, with everything needed to set up its receiver.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct App {
    /// The sandbox's own word for it, part of control paths.
    pub app: String,
    /// `self_built`, or of suites `third_party` or `customized`.
    pub kind: String,
    /// The corp it belongs to; of a suite the provider's.
    pub corp_id: String,
    /// The id of a suite; `None` for an app of the company.
    pub suite_id: Option<String>,
    /// WeCom's number of the app; 0 for a suite, which has one only where it is installed.
    pub agent_id: u32,
    /// The secret that gets access tokens; of a suite the suite secret.
    pub secret: String,
    /// The token that signs callbacks.
    pub token: String,
    /// The key that encrypts callbacks, 43 characters.
    pub encoding_aes_key: String,
    /// Where callbacks go.
    pub callback_url: Option<String>,
    /// The userids of the members in the app's visible range; nobody for a suite.
    pub staff: Vec<String>,
    /// The app's visible range; `None` is everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible: Option<Visible>,
}

/// An app ready to send.
pub(crate) struct Sender {
    pub(crate) shown: App,
    /// The app within the company, as which calls with its access tokens are made; only of a suite another one.
    pub(crate) installed: App,
    pub(crate) credentials: Credentials,
    pub(crate) callback_url: Option<Url>,
}

impl Sender {
    pub(crate) fn new(stored: &StoredApp, company: &Company) -> Result<Self> {
        let key = AesKey::parse(&stored.encoding_aes_key).ok();
        let credentials = key.and_then(|key| Credentials::new(&stored.token, key).ok());
        let credentials = credentials.ok_or_else(|| Error::BadCredentials(stored.app.clone()))?;
        let provider = Provider::scripted(company.seed());
        let suite_id = match stored.kind.as_str() {
            THIRD_PARTY => Some(provider.third_party),
            CUSTOMIZED => Some(provider.customized),
            _ => None,
        };
        let installed = App {
            app: stored.app.clone(),
            kind: stored.kind.clone(),
            corp_id: company.corp_id.clone(),
            suite_id,
            agent_id: stored.agent_id,
            secret: stored.secret.clone(),
            token: stored.token.clone(),
            encoding_aes_key: stored.encoding_aes_key.clone(),
            callback_url: stored.callback_url.clone(),
            staff: company.staff.iter().map(|staff| staff.user_id.clone()).collect(),
            visible: None,
        };
        let shown = match installed.suite_id {
            Some(_) => App { corp_id: provider.corp_id, agent_id: 0, staff: Vec::new(), ..installed.clone() },
            None => installed.clone(),
        };
        Ok(Self {
            shown,
            installed,
            credentials,
            callback_url: stored.callback_url.as_deref().map(parsed).transpose()?,
        })
    }

    /// Returns the app as it is shown, with what it sees in the corp at present.
    pub(crate) fn shown_in(&self, corp: &Corp) -> App {
        let mut shown = self.shown.clone();
        shown.visible = corp.ranges.of(&shown.app).cloned();
        if shown.visible.is_some() && !self.is_suite() {
            shown.staff = corp.visible_staff(&shown.app);
        }
        shown
    }

    /// Says whether this is a suite, not an app of the company.
    pub(crate) fn is_suite(&self) -> bool {
        self.shown.suite_id.is_some()
    }

    /// Returns how an event reaches the app.
    pub(crate) fn address(&self, event: &Event) -> Address {
        let corp_id = self.installed.corp_id.clone();
        match &self.shown.suite_id {
            Some(suite_id) if !event.is_data() => Address::Suite { suite_id: suite_id.clone(), corp_id },
            _ => Address::App { corp_id, agent_id: self.installed.agent_id },
        }
    }
}

/// Checks a callback URL.
pub(crate) fn parsed(url: &str) -> Result<Url> {
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => Ok(parsed),
        _ => Err(Error::BadUrl(url.to_owned())),
    }
}
