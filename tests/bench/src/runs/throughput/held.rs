//! Looking for the highest rate that is held.

use crate::figure::percentile;
use crate::servers::Left;

/// Milliseconds at most, of 99 in 100.
const PATIENCE: f64 = 150.0;
/// How often a lower rate is tried for long.
const STEPS_DOWN: usize = 8;

/// How carefully to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Care {
    /// How often the range is halved.
    pub(super) tries: usize,
    /// Seconds of each of those tries.
    pub(super) short: u32,
    /// Seconds for which a rate must be held to count.
    pub(super) long: u32,
    /// What is left of a rate that was not held for long, for the next one.
    pub(super) step_down: f64,
}

/// What came of a rate that was tried.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tried {
    /// Milliseconds that each one waited, in the order of arrival.
    pub(super) waits: Vec<f64>,
    /// What lay in the deepest queue when the last one had been sent; each event is in a queue once at most.
    pub(super) left: Left,
    /// The load was sent in time.
    pub(super) is_in_time: bool,
}

/// A rate that was held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Held {
    pub(super) rate: f64,
    /// Milliseconds.
    pub(super) p99: f64,
}

/// Something that makes leads of events.
pub(super) trait Line {
    /// Sends many at once, enough for about so many seconds; returns how many leads a second came of them.
    async fn flood(&mut self, seconds: u32) -> anyhow::Result<f64>;
    /// Sends at a steady rate for so many seconds, and waits until all leads are there.
    async fn hold(&mut self, rate: f64, seconds: u32) -> anyhow::Result<Tried>;
}

impl Tried {
    /// Returns the rate if it was held: sent in time, nobody waited long, and the queues stayed flat.
    pub(super) fn held(&self, rate: f64) -> Option<Held> {
        let p99 = percentile(&self.waits, 99)?;
        let quarter = self.waits.len() / 4;
        let last = percentile(&self.waits[self.waits.len() - quarter.max(1)..], 99)?;
        let is_flat = f64::from(self.left.messages) <= rate * PATIENCE / 1000.0 && last <= PATIENCE;
        (self.is_in_time && p99 <= PATIENCE && is_flat).then_some(Held { rate, p99 })
    }
}

/// Floods once to know where to look, halves the range with short tries, and holds what is left for long; goes down in
/// steps until it is held.
pub(super) async fn highest(
    line: &mut impl Line,
    care: Care,
    say: impl Fn(&str),
) -> anyhow::Result<Option<Held>> {
    let Care { tries, short, long, step_down } = care;
    let capacity = line.flood(short).await?;
    say(&format!("flooded, {capacity:.0}/s"));
    let (mut low, mut high) = (capacity / 4.0, capacity);
    for _ in 0..tries {
        let rate = f64::midpoint(low, high);
        let tried = line.hold(rate, short).await?;
        let held = tried.held(rate);
        say(&format!("{rate:.0}/s for {short} s: {}", said(&tried, held)));
        if held.is_some() {
            low = rate;
        } else {
            high = rate;
        }
    }
    let mut rate = low;
    for _ in 0..STEPS_DOWN {
        let tried = line.hold(rate, long).await?;
        let held = tried.held(rate);
        say(&format!("{rate:.0}/s for {long} s: {}", said(&tried, held)));
        if held.is_some() {
            return Ok(held);
        }
        rate *= step_down;
    }
    Ok(None)
}

fn said(tried: &Tried, held: Option<Held>) -> String {
    let word = if held.is_some() { "held" } else { "not held" };
    let of = |percent| percentile(&tried.waits, percent).unwrap_or_default();
    let late = if tried.is_in_time { "" } else { ", sent late" };
    format!("{word}, p50 {:.0} ms, p99 {:.0} ms, {}{late}", of(50), of(99), tried.left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds short tries up to one rate, and long ones up to another.
    struct Simulated {
        short: f64,
        long: f64,
        tried: Vec<u32>,
    }

    impl Line for Simulated {
        async fn flood(&mut self, _: u32) -> anyhow::Result<f64> {
            Ok(1000.0)
        }

        async fn hold(&mut self, rate: f64, seconds: u32) -> anyhow::Result<Tried> {
            self.tried.push(seconds);
            let most = if seconds == 60 { self.long } else { self.short };
            let wait = if rate <= most { 10.0 } else { 400.0 };
            Ok(Tried { waits: vec![wait; 100], left: Left::default(), is_in_time: true })
        }
    }

    #[tokio::test]
    async fn the_highest_rate_is_one_that_was_held_for_long() {
        let care = Care { tries: 5, short: 8, long: 60, step_down: 0.92 };
        let mut line = Simulated { short: 700.0, long: 600.0, tried: Vec::new() };
        let held = highest(&mut line, care, |_| ()).await.unwrap().unwrap();
        assert!((520.0..=600.0).contains(&held.rate), "{held:?}");
        assert_eq!(line.tried[..5], [8; 5]);
        assert!(line.tried[5..].iter().all(|seconds| *seconds == 60));
        let mut none = Simulated { short: 0.0, long: 0.0, tried: Vec::new() };
        assert_eq!(highest(&mut none, Care { tries: 2, ..care }, |_| ()).await.unwrap(), None);
    }

    fn left(messages: u32) -> Left {
        Left { messages, queue: "leads.contact".to_owned() }
    }

    #[test]
    fn a_rate_is_held_only_when_nobody_waits_and_nothing_piles_up() {
        let well = Tried { waits: vec![20.0; 100], left: left(10), is_in_time: true };
        assert_eq!(well.held(100.0), Some(Held { rate: 100.0, p99: 20.0 }));
        assert_eq!(
            Tried { left: left(16), ..well.clone() }.held(100.0),
            None,
            "more than 150 ms of work is left"
        );
        assert_eq!(Tried { is_in_time: false, ..well.clone() }.held(100.0), None);
        let mut waits = vec![20.0; 1000];
        waits[995..].fill(400.0);
        assert_eq!(Tried { waits, ..well.clone() }.held(100.0), None, "it gets slower at the end");
        assert_eq!(Tried { waits: Vec::new(), ..well }.held(100.0), None);
    }
}
