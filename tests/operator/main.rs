//! What an operator does at the command line, and what an administrator sets up, on whole installations in either shape.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod dead;
mod doctor;
mod first_start;
mod logs;
mod reconcile;
mod republish;
mod traces;
mod two_apps;

use std::path::Path;

use scrm_tests::Installation;

/// The built programs lie beside those of the tests.
const PROGRAMS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../debug");

/// Starts an installation.
async fn started() -> Installation {
    let mut installation = Installation::new(Path::new(PROGRAMS)).await;
    installation.start(None).await;
    installation
}
