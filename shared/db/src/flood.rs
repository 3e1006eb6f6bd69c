//! When more arrives than can be handled at once, it is made safe first and told afterwards.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a flood is: so many arrivals within [`SPAN`].
const MANY: usize = 120;
const SPAN: Duration = Duration::from_millis(100);
/// A flood that lasts longer is no reason to wait any more: who came first would wait too long.
const LONGEST: Duration = Duration::from_secs(10);

/// Counts what arrives through [`Batcher`](crate::Batcher)s, and says when [`Relay`](crate::Relay)s let it go first.
#[derive(Debug)]
pub struct Flood(Mutex<State>);

#[derive(Debug)]
struct State {
    /// When the present span began.
    span: Instant,
    /// What has arrived in it.
    count: usize,
    /// When the first of the spans began that were a flood one after the other.
    since: Option<Instant>,
}

impl State {
    /// Ends the present span if its time is over.
    fn advance(&mut self, now: Instant) {
        let length = now.duration_since(self.span);
        if length >= SPAN {
            let is_flood = self.count >= MANY && length < SPAN * 2;
            self.since = is_flood.then(|| self.since.unwrap_or(self.span));
            (self.span, self.count) = (now, 0);
        }
    }
}

impl Flood {
    /// Begins to count.
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(State { span: now, count: 0, since: None }))
    }

    /// Notes that so much has arrived, and is safe.
    pub(crate) fn note(&self, count: usize, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(now);
        state.count += count;
    }

    /// Returns how long a relay rests before it asks again; `None` if not at all.
    pub(crate) fn rest(&self, now: Instant) -> Option<Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(now);
        state.since.filter(|since| now.duration_since(*since) < LONGEST).map(|_| SPAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets `count` arrive in each of so many spans, and returns when the last one is over.
    fn arrive(flood: &Flood, begin: Instant, spans: u32, count: usize) -> Instant {
        (0..spans).for_each(|span| flood.note(count, begin + SPAN * span));
        begin + SPAN * spans
    }

    #[test]
    fn a_relay_rests_during_a_flood_and_no_longer() {
        let begin = Instant::now();
        let flood = Flood::new(begin);
        assert_eq!(flood.rest(begin), None);
        let now = arrive(&flood, begin, 2, MANY);
        assert_eq!(flood.rest(now), Some(SPAN));
        assert_eq!(flood.rest(now + SPAN), None, "less has arrived");
    }

    #[test]
    fn what_is_usual_is_no_flood() {
        let begin = Instant::now();
        let flood = Flood::new(begin);
        let now = arrive(&flood, begin, 20, MANY / 2);
        assert_eq!(flood.rest(now), None);
    }

    #[test]
    fn a_flood_without_end_is_no_reason_to_wait_for_ever() {
        let begin = Instant::now();
        let flood = Flood::new(begin);
        let now = arrive(&flood, begin, 99, MANY);
        assert_eq!(flood.rest(now), Some(SPAN));
        let now = arrive(&flood, now, 2, MANY);
        assert_eq!(flood.rest(now), None);
    }
}
