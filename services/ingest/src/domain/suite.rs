//! Suites of a provider (服务商), and what enterprises authorise them to.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use scrm_kernel::{CorpId, Timestamp, WecomCorpId};

use super::connection::{ApiUrl, AppKind, AppName};

/// Characters of a suite's name at most: the names of its apps begin with it.
const MOST_NAME: usize = 27;
/// Characters of WeCom's id of a suite at most.
const MOST_ID: usize = 64;
/// How long an auth code is good (WeCom document 90642).
pub const CODE_LIFE: Duration = Duration::from_mins(10);

/// A suite, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// Its name here, the last part of its callback address.
    pub name: AppName,
    /// The enterprise here that is the provider.
    pub corp: CorpId,
    /// What WeCom calls it.
    pub suite_id: SuiteId,
    /// What sort it is.
    pub kind: SuiteKind,
    /// The provider's own corp in WeCom, to which the check of the address may be addressed.
    pub provider_corp: Option<WecomCorpId>,
    /// Where its WeCom is, if that is not the one that everybody uses.
    pub api_url: Option<ApiUrl>,
    /// When its newest ticket was made; none before the first one.
    pub ticket_at: Option<Timestamp>,
    /// Counts how often it was set up, from 1.
    pub version: i64,
    /// When that was last.
    pub updated_at: Timestamp,
}

impl Suite {
    /// Returns where its WeCom is.
    pub fn url(&self) -> ApiUrl {
        self.api_url.clone().unwrap_or_else(ApiUrl::public)
    }
}

/// WeCom's id of a suite or a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteId(String);

/// A string that cannot be WeCom's id of a suite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MOST_ID} letters or digits, - or _")]
pub struct BadSuiteId;

impl SuiteId {
    /// Checks an id from outside.
    pub fn parse(text: &str) -> Result<Self, BadSuiteId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let fits = !text.is_empty() && text.len() <= MOST_ID && text.bytes().all(allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(BadSuiteId) }
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SuiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What sort of suite it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuiteKind {
    /// 第三方应用.
    ThirdParty,
    /// 代开发应用模版.
    Customized,
}

impl SuiteKind {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        self.app().as_str()
    }

    /// Returns the kind of its apps.
    pub const fn app(self) -> AppKind {
        match self {
            Self::ThirdParty => AppKind::ThirdParty,
            Self::Customized => AppKind::Customized,
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ThirdParty, Self::Customized].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Returns the name of the app that an enterprise gets from a suite: the same one, however often it is installed.
pub fn app_name(suite: &AppName, corp: &WecomCorpId) -> AppName {
    let hash = hex::encode(&digest(&SHA256, corp.as_str().as_bytes()).as_ref()[..6]);
    AppName::parse(&format!("{suite}-{hash}")).expect("a suite's name leaves room for twelve digits")
}

/// Reports whether a suite's name leaves room for those of its apps.
pub fn leaves_room(name: &AppName) -> bool {
    name.as_str().len() <= MOST_NAME
}

/// A moment in the story of an authorisation: the newest one decides, in whatever order they are learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// When WeCom says that it happened.
    pub at: Timestamp,
    /// The callback that told of it.
    pub seq: i64,
}

/// What an enterprise let a suite do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The enterprise's id in WeCom.
    pub wecom_corp: WecomCorpId,
    /// What it is called; empty if it cancelled before we learnt it.
    pub corp_name: String,
    /// The enterprise here; none if it cancelled before we learnt it.
    pub corp: Option<CorpId>,
    /// Its app here.
    pub app: Option<AppName>,
    /// Whether it holds.
    pub is_active: bool,
    /// What decided that.
    pub decided: Moment,
}

/// What is to be asked of WeCom for a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrandKind {
    /// Exchange the code of a new installation (`create_auth`).
    Install,
    /// Exchange the code of a new secret (`reset_permanent_code`).
    Reset,
    /// Read an authorisation again (`change_auth`).
    Refresh,
}

impl ErrandKind {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Reset => "reset",
            Self::Refresh => "refresh",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Install, Self::Reset, Self::Refresh].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What became of an errand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrandState {
    /// It is tried until it works or its code has expired.
    Waiting,
    /// WeCom gave what was asked for.
    Done,
    /// It cannot work any more.
    Failed,
}

impl ErrandState {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Done, Self::Failed].into_iter().find(|state| state.as_str() == text)
    }
}

/// An errand, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// Its place in the order of arrival.
    pub id: i64,
    /// What it is about.
    pub kind: ErrandKind,
    /// What became of it.
    pub state: ErrandState,
    /// How often WeCom was asked.
    pub attempts: u32,
    /// When WeCom says that the enterprise acted.
    pub told_at: Timestamp,
    /// Why it did not work, so far or for good.
    pub problem: Option<String>,
    /// When it was done or given up.
    pub settled_at: Option<Timestamp>,
}

/// Returns how long to wait after so many attempts in vain: a person may be waiting for the installation to end.
pub const fn pause_after(attempts: u32) -> Duration {
    match attempts {
        0 | 1 => Duration::from_secs(1),
        2 => Duration::from_secs(5),
        _ => Duration::from_secs(20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_of_an_enterprise_has_one_name() {
        let suite = AppName::parse(&"s".repeat(MOST_NAME)).unwrap();
        assert!(leaves_room(&suite) && !leaves_room(&AppName::parse(&"s".repeat(MOST_NAME + 1)).unwrap()));
        let of = |corp: &str| app_name(&suite, &WecomCorpId::parse(corp).unwrap());
        assert_eq!(of("ww1"), of("ww1"));
        assert_ne!(of("ww1"), of("ww2"));
        assert_eq!(of("ww1").as_str().len(), 40);
    }

    #[test]
    fn the_newest_moment_decides() {
        let moment = |second: i64, seq| Moment { at: scrm_kernel::time::from_millis(second * 1000), seq };
        assert!(moment(2, 1) > moment(1, 9) && moment(1, 9) > moment(1, 8));
    }

    #[test]
    fn an_id_of_a_suite_is_a_word() {
        assert!(SuiteId::parse("ww4asffe99e54c0f4c").is_ok() && SuiteId::parse("dk-1_2").is_ok());
        for bad in ["", "a b", "例", &"a".repeat(65)] {
            assert_eq!(SuiteId::parse(bad), Err(BadSuiteId), "{bad}");
        }
    }
}
