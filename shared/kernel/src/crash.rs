//! Places where a process can be made to die at once, so that a test can look at what it left behind.
//!
//! They stand at the boundaries where something outside the process has changed and something else has not yet: a
//! commit, a publish and its confirm, a mark, an acknowledgement. Builds without debug assertions have none of them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use thiserror::Error;

/// Where this process dies.
static CHOSEN: OnceLock<Chosen> = OnceLock::new();

struct Chosen {
    point: String,
    /// How often it is still passed.
    left: AtomicU32,
}

/// Whether databases of this process go without syncs.
static SKIPS_SYNCS: AtomicBool = AtomicBool::new(false);

/// The text does not name a place to die at.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a crash point is written like `relay.taken` or `relay.taken:3`, not {0:?}")]
pub struct BadCrashPoint(pub String);

/// Makes this process die at a point: `relay.taken` when it is first reached, `relay.taken:3` the third time.
///
/// The first choice holds. Without debug assertions nothing is chosen.
pub fn arm(text: &str) -> Result<(), BadCrashPoint> {
    let (point, times) = text.split_once(':').unwrap_or((text, "1"));
    let times = times.parse::<u32>().ok().filter(|times| *times > 0);
    let Some(times) = times.filter(|_| !point.is_empty()) else { return Err(BadCrashPoint(text.to_owned())) };
    if cfg!(debug_assertions) {
        CHOSEN.get_or_init(|| Chosen { point: point.to_owned(), left: AtomicU32::new(times - 1) });
    }
    Ok(())
}

/// Dies here, as by `kill -9`, if this is the chosen point.
pub fn point(name: &'static str) {
    if !cfg!(debug_assertions) {
        return;
    }
    let Some(chosen) = CHOSEN.get().filter(|chosen| chosen.point == name) else { return };
    let passed = chosen.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if passed.is_err() {
        std::process::abort();
    }
}

/// Makes the embedded databases that are opened from now on go without syncs, so that a test of power cuts can show
/// that it would notice. Without debug assertions they sync all the same.
pub fn skip_syncs() {
    SKIPS_SYNCS.store(cfg!(debug_assertions), Ordering::SeqCst);
}

/// Reports whether embedded databases are to go without syncs.
pub fn skips_syncs() -> bool {
    cfg!(debug_assertions) && SKIPS_SYNCS.load(Ordering::SeqCst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_name_and_perhaps_a_count() {
        for bad in ["", ":2", "relay.taken:", "relay.taken:0", "relay.taken:-1", "relay.taken:x"] {
            assert_eq!(arm(bad), Err(BadCrashPoint(bad.to_owned())));
        }
        assert_eq!(arm("only.in.this.test:2"), Ok(()));
        // The first time is passed; the second one would end the test.
        point("only.in.this.test");
        point("of.nobody");
    }
}
