//! How much of a core a process uses: near all of it, whoever comes has to wait for those before.

use std::fs::read_to_string;
use std::time::Instant;

use anyhow::Context as _;
use rustix::param::clock_ticks_per_second;

/// Fields after the name of a program that hold its ticks in user and in system mode. See `proc_pid_stat(5)`.
const TICKS: [usize; 2] = [11, 12];

/// What a process has used of all cores so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    ticks: u64,
    at: Instant,
}

impl Usage {
    /// Looks at a process with all its threads.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let stat = read_to_string(format!("/proc/{pid}/stat"));
        let stat = stat.with_context(|| format!("cannot look at process {pid}"))?;
        let ticks = ticks(&stat).with_context(|| format!("process {pid} has used no time"))?;
        Ok(Self { ticks, at: Instant::now() })
    }

    /// Returns the percentage of one core that it has used since `before`.
    pub fn percent_since(self, before: Self) -> f64 {
        let number = |count: u64| u32::try_from(count).map_or(f64::MAX, f64::from);
        let seconds = number(self.ticks.saturating_sub(before.ticks)) / number(clock_ticks_per_second());
        100.0 * seconds / (self.at - before.at).as_secs_f64()
    }
}

/// Returns the ticks that `stat` says; the name before them may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    TICKS.iter().map(|field| fields.get(*field)?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_ticks_are_those_of_both_modes() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 230 41 3 2 20 0 9 0 5 6 7";
        assert_eq!(ticks(stat), Some(271));
        assert_eq!(ticks("7 (a) S 1"), None);
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn the_share_is_of_the_time_that_went_by() {
        let (at, second) = (Instant::now(), clock_ticks_per_second());
        let before = Usage { ticks: 3, at };
        let after = Usage { ticks: 3 + second, at: at + Duration::from_secs(2) };
        assert!((after.percent_since(before) - 50.0).abs() < 1e-9);
        assert!(Usage::of(std::process::id()).is_ok());
    }
}
