//! How much of the cores the host of a virtual machine gave to others meanwhile: figures taken then say less.

use std::fs::read_to_string;

/// Columns of the first line of `/proc/stat` that add up to all time: `guest` is part of `user`. See `proc_stat(5)`.
const COLUMNS: usize = 8;
const IDLE: [usize; 2] = [3, 4];
const STEAL: usize = 7;

/// The times of all cores, in ticks since the machine began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    wanted: u64,
    stolen: u64,
}

impl Times {
    /// Reads them; `None` where the system does not tell.
    pub fn now() -> Option<Self> {
        Self::parse(&read_to_string("/proc/stat").ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        let times: Vec<u64> = line.split_ascii_whitespace().map_while(|time| time.parse().ok()).collect();
        let times = times.get(..COLUMNS)?;
        let idle: u64 = IDLE.iter().map(|column| times[*column]).sum();
        Some(Self { wanted: times.iter().sum::<u64>().saturating_sub(idle), stolen: times[STEAL] })
    }

    /// Returns the percentage of the time since `before` in which programs wanted a core and others had it.
    pub fn stolen_since(self, before: Self) -> f64 {
        let ticks = |ticks: u64| u32::try_from(ticks).map_or(f64::MAX, f64::from);
        let wanted = ticks(self.wanted.saturating_sub(before.wanted));
        if wanted > 0.0 { 100.0 * ticks(self.stolen.saturating_sub(before.stolen)) / wanted } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_the_time_that_was_wanted() {
        let before = Times::parse("cpu  100 0 100 900 100 0 0 0 7 0\ncpu0 1 2").unwrap();
        let after = Times::parse("cpu  150 0 110 1900 300 5 5 30 7 0\n").unwrap();
        assert!((after.stolen_since(before) - 30.0).abs() < 1e-9);
        assert!(before.stolen_since(before).abs() < 1e-9);
        assert_eq!(Times::parse("cpu  1 2 3"), None);
        assert_eq!(Times::parse(""), None);
    }
}
