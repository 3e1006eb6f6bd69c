//! Does Redis answer?

use std::time::Duration;

use scrm_ingest::Ingest;
use scrm_process::Service as _;

use super::check::{Check, Fault};
use super::patient::{Patient, Shape};

const NAME: &str = "cache";
/// How long Redis may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn check(patient: &Patient) -> Check {
    if let Shape::Embedded(_) = patient.shape {
        return Check::skipped(NAME, "each process keeps its own");
    }
    let Some(settings) = patient.settings(Ingest::NAME) else {
        return Check::skipped(NAME, "the configuration does not say where it is");
    };
    let Some(redis) = settings.cache() else {
        return Check::skipped(NAME, "no Redis is configured: each process keeps its own");
    };
    match redis.ping(PATIENCE).await {
        Ok(()) => Check::ok(NAME, "Redis answers"),
        Err(error) => {
            let remedy = "See that Redis runs, and that `cache.url` names it with the right password. Until then every \
                          process goes on with a cache of its own.";
            Check::failed(NAME, &Fault::new(error.to_string(), remedy))
        }
    }
}
