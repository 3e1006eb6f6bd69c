//! Whole installations that are hurt, and what is left of what they had acknowledged.

use std::path::PathBuf;

mod crash;
mod power_cut;
mod preload;
mod storm;

/// Returns the folder of the built programs: beside those of the tests, of the same kind.
fn programs() -> PathBuf {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("..").join(profile)
}
