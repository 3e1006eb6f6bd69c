//! Keeps an enterprise below WeCom's limits, path by path, in this process.
//!
//! Only [`Throttle::turn`] and [`Throttle::rest`] are used outside, so that the buckets can move to a place that
//! replicas share. Until then each replica counts alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrm_kernel::time::from_millis;
use scrm_kernel::{Clock, Timestamp, WecomCorpId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::endpoint::{Endpoint, Width};
use super::error::CallError;
use super::limits::{Limits, Rate};
use super::token::Grant;

/// Lanes kept before idle ones are dropped.
const MOST_LANES: usize = 10_000;
const NANOS_PER_MILLI: i128 = 1_000_000;

/// What a limit is counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    base_url: String,
    corp: WecomCorpId,
    path: &'static str,
}

/// The state of one path of one enterprise. Moments are nanoseconds since the Unix epoch.
struct Lane {
    /// When the bucket of the minute is full again.
    minute: i128,
    /// When the bucket of the hour is full again.
    hour: i128,
    /// No call before this.
    rests_until: i128,
    places: Arc<Semaphore>,
}

struct Lanes {
    by_key: HashMap<Key, Lane>,
    sweep_at: usize,
}

/// Lets calls through at the rate WeCom bears.
pub(super) struct Throttle {
    turn: Duration,
    rest: Duration,
    at_once: usize,
    minute: Rate,
    hour: Rate,
    clock: Clock,
    lanes: Mutex<Lanes>,
}

/// A place among the calls under way; dropping it frees the place.
pub(super) struct Turn(Option<OwnedSemaphorePermit>);

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

impl Throttle {
    pub(super) fn new(limits: &Limits, clock: Clock) -> Self {
        Self {
            turn: Duration::from_millis(limits.turn_ms),
            rest: Duration::from_millis(limits.rest_ms),
            at_once: limits.at_once.clamp(1, 1000),
            minute: Rate::of(limits.per_minute, limits.percent, Duration::from_mins(1)),
            hour: Rate::of(limits.per_hour, limits.percent, Duration::from_hours(1)),
            clock,
            lanes: Mutex::new(Lanes { by_key: HashMap::new(), sweep_at: MOST_LANES }),
        }
    }

    /// Waits for the turn of a call, or refuses when that would take too long.
    pub(super) async fn turn(&self, grant: &Grant, endpoint: &Endpoint) -> Result<Turn, CallError> {
        let (wait, places) = self.book(grant, endpoint)?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        if endpoint.width == Width::Wide {
            return Ok(Turn(None));
        }
        match tokio::time::timeout(self.turn, places.acquire_owned()).await {
            Ok(place) => Ok(Turn(place.ok())),
            Err(_) => Err(CallError::RateLimited { until: self.clock.now() + Duration::from_secs(1) }),
        }
    }

    /// Lets a path rest, because WeCom said that its limit is reached.
    pub(super) fn rest(&self, grant: &Grant, endpoint: &Endpoint) {
        let until = nanos(self.clock.now() + self.rest);
        let mut lanes = self.lanes();
        self.lane(&mut lanes, grant, endpoint).rests_until = until;
    }

    /// Takes the next free moment of both buckets, and says how far away it is.
    fn book(&self, grant: &Grant, endpoint: &Endpoint) -> Result<(Duration, Arc<Semaphore>), CallError> {
        let now = nanos(self.clock.now());
        let mut lanes = self.lanes();
        let lane = self.lane(&mut lanes, grant, endpoint);
        let start = (lane.minute - self.minute.slack).max(lane.hour - self.hour.slack).max(lane.rests_until);
        let start = start.max(now);
        let wait = Duration::from_nanos(u64::try_from(start - now).unwrap_or(u64::MAX));
        if wait > self.turn {
            return Err(CallError::RateLimited { until: moment(start) });
        }
        lane.minute = lane.minute.max(start) + self.minute.step;
        lane.hour = lane.hour.max(start) + self.hour.step;
        Ok((wait, Arc::clone(&lane.places)))
    }

    fn lane<'a>(&self, lanes: &'a mut Lanes, grant: &Grant, endpoint: &Endpoint) -> &'a mut Lane {
        if lanes.by_key.len() >= lanes.sweep_at {
            lanes.sweep(nanos(self.clock.now()));
        }
        let key =
            Key { base_url: grant.base_url.clone(), corp: grant.wecom_corp.clone(), path: endpoint.path };
        lanes.by_key.entry(key).or_insert_with(|| Lane {
            minute: 0,
            hour: 0,
            rests_until: 0,
            places: Arc::new(Semaphore::new(self.at_once)),
        })
    }

    /// Locks; nothing below can panic half way.
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    /// Drops the lanes that are as good as new. What stays was used within the last hour.
    fn sweep(&mut self, now: i128) {
        self.by_key.retain(|_, lane| {
            lane.minute.max(lane.hour).max(lane.rests_until) > now || Arc::strong_count(&lane.places) > 1
        });
        self.sweep_at = (self.by_key.len() * 2).max(MOST_LANES);
    }
}

fn nanos(moment: Timestamp) -> i128 {
    i128::from(moment.timestamp_millis()) * NANOS_PER_MILLI
}

/// Rounds up: at the moment told, the call is let through.
fn moment(nanos: i128) -> Timestamp {
    let millis = (nanos + NANOS_PER_MILLI - 1).div_euclid(NANOS_PER_MILLI);
    from_millis(i64::try_from(millis).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use scrm_kernel::CorpId;

    use super::*;
    use crate::client::endpoint::{CUSTOMER, MARK_TAGS};
    use crate::client::token::AccessToken;

    fn grant(corp: &str) -> Grant {
        Grant {
            corp: CorpId::mint(from_millis(1)),
            app: "crm".to_owned(),
            wecom_corp: WecomCorpId::parse(corp).unwrap(),
            agent_id: 1,
            base_url: "https://wecom.example".to_owned(),
            token: AccessToken::new("t"),
            expires_at: from_millis(0),
        }
    }

    fn throttle(limits: &Limits) -> (Throttle, Clock) {
        let clock = Clock::mock(from_millis(1_700_000_000_000));
        (Throttle::new(limits, clock.clone()), clock)
    }

    /// Counts the calls that go through at this moment.
    fn passed(throttle: &Throttle, grant: &Grant) -> u32 {
        let mut passed = 0;
        while throttle.book(grant, &CUSTOMER).is_ok() {
            passed += 1;
        }
        passed
    }

    #[test]
    fn no_minute_sees_more_than_four_fifths_of_its_limit() {
        let (throttle, clock) = throttle(&Limits { turn_ms: 0, ..Limits::default() });
        let grant = grant("ww1");
        let mut of_second: Vec<u32> = Vec::new();
        for _ in 0..180 {
            of_second.push(passed(&throttle, &grant));
            clock.advance(Duration::from_secs(1));
        }
        let most = of_second.windows(60).map(|minute| minute.iter().sum::<u32>()).max().unwrap();
        assert_eq!(of_second[0], 1000);
        assert!((7_800..=8_000).contains(&most), "{most}");
    }

    #[test]
    fn no_hour_sees_more_than_four_fifths_of_its_limit() {
        let (throttle, clock) = throttle(&Limits { turn_ms: 0, ..Limits::default() });
        let grant = grant("ww1");
        let mut of_minute: Vec<u32> = Vec::new();
        for _ in 0..90 {
            of_minute.push(passed(&throttle, &grant));
            clock.advance(Duration::from_mins(1));
        }
        let most = of_minute.windows(60).map(|hour| hour.iter().sum::<u32>()).max().unwrap();
        assert!(most <= 120_000, "{most}");
    }

    #[test]
    fn a_refused_call_is_let_through_at_the_moment_it_was_told() {
        let limits = Limits { per_minute: 20, percent: 100, turn_ms: 0, ..Limits::default() };
        let (throttle, clock) = throttle(&limits);
        let grant = grant("ww1");
        assert_eq!(passed(&throttle, &grant), 2);
        let Err(CallError::RateLimited { until }) = throttle.book(&grant, &CUSTOMER) else {
            panic!("the bucket is empty");
        };
        clock.advance((until - clock.now()).to_std().unwrap());
        assert_eq!(passed(&throttle, &grant), 1);
    }

    #[test]
    fn enterprises_and_paths_count_apart_and_rest_apart() {
        let limits = Limits { per_minute: 2, percent: 100, turn_ms: 0, ..Limits::default() };
        let (throttle, clock) = throttle(&limits);
        let (one, other) = (grant("ww1"), grant("ww2"));
        assert_eq!((passed(&throttle, &one), passed(&throttle, &other)), (1, 1));
        assert!(throttle.book(&one, &MARK_TAGS).is_ok());

        clock.advance(Duration::from_mins(2));
        throttle.rest(&one, &CUSTOMER);
        assert_eq!((passed(&throttle, &one), passed(&throttle, &other)), (0, 1));
        clock.advance(Duration::from_mins(1));
        assert_eq!(passed(&throttle, &one), 1);
    }

    #[tokio::test]
    async fn a_touchy_path_has_few_places_and_others_have_no_end() {
        let (throttle, _) = throttle(&Limits { turn_ms: 0, ..Limits::default() });
        let (one, other) = (grant("ww1"), grant("ww2"));
        let mut turns = Vec::new();
        for _ in 0..4 {
            turns.push(throttle.turn(&one, &MARK_TAGS).await.unwrap());
        }
        assert!(matches!(throttle.turn(&one, &MARK_TAGS).await, Err(CallError::RateLimited { .. })));
        for _ in 0..100 {
            turns.push(throttle.turn(&one, &CUSTOMER).await.unwrap());
        }
        drop(throttle.turn(&other, &MARK_TAGS).await.unwrap());
        turns.remove(0);
        assert!(throttle.turn(&one, &MARK_TAGS).await.is_ok());
    }

    #[test]
    fn lanes_out_of_use_are_dropped() {
        let (throttle, clock) = throttle(&Limits::default());
        for corp in 0..MOST_LANES {
            throttle.book(&grant(&format!("ww{corp}")), &CUSTOMER).unwrap();
        }
        clock.advance(Duration::from_hours(1));
        throttle.book(&grant("wwlast"), &CUSTOMER).unwrap();
        assert_eq!(throttle.lanes().by_key.len(), 1);
    }
}
