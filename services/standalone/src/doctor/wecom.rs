//! What WeCom says of every connected app and suite: one token, one call, one look at its clock.

use std::time::Duration;

use chrono::DateTime;
use scrm_ingest::app::{AppOnTrial, SuiteOnTrial, apps_on_trial, suites_on_trial};
use scrm_kernel::{Clock, Timestamp};
use scrm_process::keys;
use scrm_wecom::client::CallError;
use scrm_wecom::client::http::{Patience, client};
use sea_orm::DbErr;

use super::check::Check;
use super::patient::Patient;

/// What is known of the connected apps and of the suites.
pub(super) enum Wecom {
    /// Nothing is there to ask.
    Nothing(&'static str),
    /// They cannot be read.
    Unreadable(String),
    /// What became of each.
    Known { apps: Vec<Examined>, suites: Vec<ExaminedSuite>, http: reqwest::Client },
}

/// A connected app, and what WeCom answered.
pub(super) struct Examined {
    pub(super) app: AppOnTrial,
    /// Whether it gets a token.
    pub(super) token: Result<(), CallError>,
    /// Whether WeCom lets it call from here; none without a token.
    pub(super) call: Option<Result<(), CallError>>,
    /// By how many milliseconds WeCom's clock is ahead of ours; none when it does not say.
    pub(super) ahead_ms: Option<i64>,
}

/// A suite, and what WeCom answered.
pub(super) struct ExaminedSuite {
    pub(super) suite: SuiteOnTrial,
    /// Whether it gets a token; none while it has no ticket to show.
    pub(super) token: Option<Result<(), CallError>>,
}

impl Wecom {
    pub(super) async fn ask(patient: &Patient) -> Self {
        let Some(db) = patient.ingest_db() else { return Self::Nothing("nothing is set up yet") };
        let Some(installation) = patient.key_file() else {
            return Self::Nothing("nothing is set up yet");
        };
        let keys = match keys::read_installation(&installation) {
            Ok(keys) => keys,
            Err(error) => return Self::Unreadable(format!("{error:#}")),
        };
        let on_trial = async { Ok((apps_on_trial(db, &keys).await?, suites_on_trial(db, &keys).await?)) };
        let ((apps, suites), http) = match (on_trial.await, client(&Patience::default())) {
            (Ok(on_trial), Ok(http)) => (on_trial, http),
            (Err::<_, DbErr>(error), _) => return Self::Unreadable(error.to_string()),
            (_, Err(error)) => return Self::Unreadable(error.to_string()),
        };
        let (mut examined, mut examined_suites) = (Vec::new(), Vec::new());
        for app in apps {
            examined.push(examine(app, &http, &patient.clock).await);
        }
        for suite in suites {
            let token = suite.sign_in(&http).await;
            examined_suites.push(ExaminedSuite { suite, token });
        }
        Self::Known { apps: examined, suites: examined_suites, http }
    }

    /// Returns the apps, or the check's line when there are none to look at.
    pub(super) fn apps(&self, name: &'static str) -> Result<&[Examined], Check> {
        match self {
            Self::Nothing(why) => Err(Check::skipped(name, *why)),
            Self::Unreadable(_) => {
                Err(Check::skipped(name, "the connected apps cannot be read: see credentials"))
            }
            Self::Known { apps, .. } if apps.is_empty() => {
                Err(Check::skipped(name, "no app is connected yet"))
            }
            Self::Known { apps, .. } => Ok(apps),
        }
    }

    /// Returns the suites, or the check's line when there are none to look at.
    pub(super) fn suites(&self, name: &'static str) -> Result<&[ExaminedSuite], Check> {
        match self {
            Self::Known { suites, .. } if !suites.is_empty() => Ok(suites),
            Self::Unreadable(_) => Err(Check::skipped(name, "the suites cannot be read: see credentials")),
            Self::Nothing(why) => Err(Check::skipped(name, *why)),
            Self::Known { .. } => Err(Check::skipped(name, "no suite is set up")),
        }
    }
}

async fn examine(app: AppOnTrial, http: &reqwest::Client, clock: &Clock) -> Examined {
    let ahead_ms = ahead(http, &app.api_url(), clock).await;
    let (token, call) = match app.sign_in(http, clock.now()).await {
        Ok(grant) => (Ok(()), Some(app.call(http, grant, clock.clone()).await)),
        Err(error) => (Err(error), None),
    };
    Examined { app, token, call, ahead_ms }
}

/// Compares clocks by the `Date` of an answer, whatever it says otherwise.
async fn ahead(http: &reqwest::Client, url: &str, clock: &Clock) -> Option<i64> {
    let before = clock.now();
    let answer = http.get(format!("{url}/cgi-bin/gettoken")).send().await.ok()?;
    let date = answer.headers().get(reqwest::header::DATE)?.to_str().ok()?;
    let theirs = DateTime::parse_from_rfc2822(date).ok()?.timestamp_millis();
    Some(theirs - middle(before, clock.now()))
}

/// Returns the moment between two, in milliseconds: when the other side looked at its clock, as far as one can tell.
pub(super) fn middle(before: Timestamp, after: Timestamp) -> i64 {
    i64::midpoint(before.timestamp_millis(), after.timestamp_millis())
}

/// Returns the address from which WeCom says that a call came, from the words of a refusal (60020).
pub(super) fn address_in(words: &str) -> Option<&str> {
    let (_, after) = words.rsplit_once("from ip:")?;
    let after = after.trim_start();
    let end = after.find(|character: char| !character.is_ascii_hexdigit() && !".:".contains(character));
    Some(&after[..end.unwrap_or(after.len())]).filter(|address| !address.is_empty())
}

/// WeCom does not trust the address that a call came from.
pub(super) const UNTRUSTED: i64 = 60020;

/// How long everything else outside may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_stands_in_wecoms_words() {
        for (words, expected) in [
            ("not allow to access from your ip, from ip: 10.1.2.3", Some("10.1.2.3")),
            ("not allow…, from ip:2001:db8::1, more", Some("2001:db8::1")),
            ("refused", None),
            ("from ip: ?", None),
        ] {
            assert_eq!(address_in(words), expected, "{words}");
        }
    }
}
