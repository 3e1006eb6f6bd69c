//! What WeCom says of every connected app: one token, one call, one look at its clock.

use std::time::Duration;

use chrono::DateTime;
use scrm_ingest::app::{AppOnTrial, apps_on_trial};
use scrm_kernel::{Clock, Timestamp};
use scrm_process::keys;
use scrm_wecom::client::CallError;
use scrm_wecom::client::http::{Patience, client};

use super::check::Check;
use super::patient::Patient;

/// What is known of the connected apps.
pub(super) enum Wecom {
    /// None is connected, or nothing is there to ask.
    Nothing(&'static str),
    /// They cannot be read.
    Unreadable(String),
    /// What became of each.
    Apps { apps: Vec<Examined>, http: reqwest::Client },
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

impl Wecom {
    pub(super) async fn ask(patient: &Patient) -> Self {
        let Some(db) = patient.ingest_db() else { return Self::Nothing("nothing is set up yet") };
        let Some([installation, _]) = patient.key_files() else {
            return Self::Nothing("nothing is set up yet");
        };
        let keys = match keys::read_installation(&installation) {
            Ok(keys) => keys,
            Err(error) => return Self::Unreadable(format!("{error:#}")),
        };
        let (apps, http) = match (apps_on_trial(db, &keys).await, client(&Patience::default())) {
            (Ok(apps), Ok(http)) => (apps, http),
            (Err(error), _) => return Self::Unreadable(error.to_string()),
            (_, Err(error)) => return Self::Unreadable(error.to_string()),
        };
        if apps.is_empty() {
            return Self::Nothing("no app is connected yet");
        }
        let mut examined = Vec::new();
        for app in apps {
            examined.push(examine(app, &http, &patient.clock).await);
        }
        Self::Apps { apps: examined, http }
    }

    /// Returns the apps, or the check's line when there are none to look at.
    pub(super) fn apps(&self, name: &'static str) -> Result<&[Examined], Check> {
        match self {
            Self::Nothing(why) => Err(Check::skipped(name, *why)),
            Self::Unreadable(_) => {
                Err(Check::skipped(name, "the connected apps cannot be read: see credentials"))
            }
            Self::Apps { apps, .. } => Ok(apps),
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
