//! Does a callback of WeCom's get through? A check of the address is made as WeCom makes it.

use scrm_ingest::Ingest;
use scrm_ingest::app::Challenge;
use scrm_kernel::Timestamp;
use scrm_process::Service as _;

use super::check::{Check, Fault};
use super::patient::{Patient, Shape};
use super::wecom::{PATIENCE, Wecom};
use crate::folder::Use;

const NAME: &str = "callback reachable";

/// Where WeCom calls back.
struct Door<'a> {
    /// The last part of the address.
    name: &'a str,
    /// Where its token and key are set.
    set_at: String,
    /// What WeCom would ask there; none without a token and key that can be used.
    challenge: Option<Challenge>,
}

pub(super) async fn check(patient: &Patient, wecom: &Wecom) -> Check {
    let doors = doors(wecom, patient.clock.now());
    let http = match (wecom, wecom.apps(NAME)) {
        (Wecom::Known { http, .. }, _) if !doors.is_empty() => http,
        (_, Err(check)) => return check,
        (_, Ok(_)) => return Check::skipped(NAME, "no app is connected yet"),
    };
    let base = match base(patient) {
        Ok(base) => base,
        Err(check) => return check,
    };
    let (mut well, mut faults) = (Vec::new(), Vec::new());
    for door in doors {
        match knock(door, http, &base).await {
            Ok(found) => well.push(found),
            Err(fault) => faults.push(fault),
        }
    }
    Check::of_all(NAME, &well, faults)
}

/// Returns the doors of all apps and suites.
fn doors(wecom: &Wecom, now: Timestamp) -> Vec<Door<'_>> {
    let apps = wecom.apps(NAME).unwrap_or_default().iter().map(|examined| {
        let name = examined.app.name();
        Door { name, set_at: format!("apps/{name}/callback"), challenge: examined.app.challenge(now) }
    });
    let suites = wecom.suites(NAME).unwrap_or_default().iter().map(|examined| {
        let name = examined.suite.name();
        Door { name, set_at: format!("suites/{name}"), challenge: examined.suite.challenge(now) }
    });
    apps.chain(suites).collect()
}

/// Returns where to knock: where WeCom does, if that is configured, otherwise where ingest answers.
fn base(patient: &Patient) -> Result<String, Check> {
    let config =
        patient.ingest.as_ref().map_err(|_| Check::skipped(NAME, "the configuration cannot be used"))?;
    match &patient.shape {
        Shape::Embedded(folder) => match (folder.used_by(), config.public_url()) {
            (Use::Nobody, _) => {
                Err(Check::skipped(NAME, format!("nothing runs: start {}", patient.start_command())))
            }
            (_, Some(url)) => Ok(url.to_owned()),
            (Use::Serving { address, .. }, None) => Ok(format!("http://{address}")),
            (_, None) => Err(Check::skipped(NAME, "the process does not say yet where it listens")),
        },
        Shape::Distributed { .. } => match (config.public_url(), patient.settings(Ingest::NAME)) {
            (Some(url), _) => Ok(url.to_owned()),
            (None, Some(settings)) => Ok(settings.ingest.url.trim_end_matches('/').to_owned()),
            (None, None) => Err(Check::skipped(NAME, "the configuration does not say where ingest answers")),
        },
    }
}

async fn knock(door: Door<'_>, http: &reqwest::Client, base: &str) -> Result<String, Fault> {
    let Door { name, set_at, challenge } = door;
    let address = format!("{base}/callback/wecom/{name}");
    let Some(challenge) = challenge else {
        let remedy = format!("Set its Token and EncodingAESKey: PUT /api/v1/ingest/{set_at}.");
        return Err(Fault::new(format!("{name}: it has no token and key that can be used"), remedy));
    };
    let lost = |words: String| {
        let remedy = format!(
            "See that {base} leads to ingest from where WeCom is: the process runs, DNS, certificate, port, reverse proxy."
        );
        Fault::new(format!("{address} cannot be reached: {words}"), remedy)
    };
    let url = reqwest::Url::parse_with_params(&address, &challenge.query);
    let request = http.get(url.map_err(|error| lost(error.to_string()))?);
    let answer = request.timeout(PATIENCE).send().await.map_err(|error| lost(innermost(error)))?;
    let status = answer.status();
    let body = answer.text().await.map_err(|error| lost(innermost(error)))?;
    if status.is_success() && body == challenge.echo {
        return Ok(format!("{address} verifies and echoes"));
    }
    let found = if status.is_success() {
        "does not echo what was sent".to_owned()
    } else {
        format!("answers {status}")
    };
    let remedy = format!(
        "Another installation or something between answers there: see that {base} leads to this one, with path and query \
         unchanged, and that it has the Token and EncodingAESKey of {name}."
    );
    Err(Fault::new(format!("{address} {found}"), remedy))
}

/// Tells why there is no answer, without the address, which holds a signature.
fn innermost(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
