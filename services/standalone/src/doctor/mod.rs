//! `scrm doctor`: is everything that this installation stands on as it should be, and if not, what to do.
//!
//! Looks only: it works beside a running process, without one, and on a folder that nobody has used yet. What each file
//! below finds is one line of the report.

mod broker;
mod cache;
mod callback;
mod check;
mod clock;
mod configuration;
mod credentials;
mod data_folder;
mod database;
mod patient;
mod suites;
mod trusted_ip;
mod wecom;

use std::path::Path;

use serde::Serialize;

use self::check::{Check, State};
use self::patient::Patient;
use self::wecom::Wecom;

/// What was found; as JSON for programs.
#[derive(Debug, Serialize)]
pub struct Report {
    checks: Vec<Check>,
}

/// Looks at everything that an installation stands on.
pub async fn examine(data: &Path) -> Report {
    let patient = Box::pin(Patient::meet(data)).await;
    let wecom = Wecom::ask(&patient).await;
    let checks = vec![
        configuration::check(&patient),
        data_folder::check(&patient).await,
        database::check(&patient).await,
        broker::check(&patient).await,
        cache::check(&patient).await,
        clock::check(&patient, &wecom).await,
        credentials::check(&wecom),
        suites::check(&patient, &wecom),
        callback::check(&patient, &wecom).await,
        trusted_ip::check(&wecom),
    ];
    Report { checks }
}

impl Report {
    /// Reports whether nothing failed.
    pub fn is_well(&self) -> bool {
        self.checks.iter().all(|check| check.state != State::Failed)
    }

    /// Returns lines for people: one for each check, and what to do below one that failed.
    pub fn lines(&self) -> Vec<String> {
        self.checks.iter().flat_map(Check::lines).collect()
    }
}
