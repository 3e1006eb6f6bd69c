//! Keeps each enterprise, and all of them together, below WeCom's limits, path by path.
//!
//! The rates are counted in the cache, so that all replicas share them where there is a Redis. How many calls run at once
//! is counted in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrm_cache::{Booking, Cache, Rate};
use scrm_kernel::{Clock, WecomCorpId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::endpoint::{Endpoint, Width};
use super::error::CallError;
use super::limits::{Limits, share};
use super::token::Grant;

/// Lanes kept before idle ones are dropped.
const MOST_LANES: usize = 10_000;

/// Stands for all enterprises in the names of buckets; none is called so.
const ANY_CORP: &str = "*";

/// What a limit is counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    base_url: String,
    corp: WecomCorpId,
    path: &'static str,
}

/// The calls under way of one path of one enterprise, where WeCom bears few.
struct Lanes {
    by_key: HashMap<Key, Arc<Semaphore>>,
    sweep_at: usize,
}

/// Lets calls through at the rate WeCom bears.
pub(super) struct Throttle {
    turn: Duration,
    rest: Duration,
    at_once: usize,
    of_corp: Windows,
    of_address: Windows,
    cache: Cache,
    clock: Clock,
    lanes: Mutex<Lanes>,
}

/// How fast a path may be called, by the window that WeCom counts in.
#[derive(Debug, Clone, Copy)]
struct Windows {
    minute: Rate,
    hour: Rate,
}

impl Windows {
    fn of(per_minute: u32, per_hour: u32, percent: u32) -> Self {
        let (minute, at_once) = share(per_minute, percent);
        let minute = Rate::per_minute(minute, at_once);
        let (hour, at_once) = share(per_hour, percent);
        Self { minute, hour: Rate::per_hour(hour, at_once) }
    }
}

/// A place among the calls under way; dropping it frees the place.
pub(super) struct Turn(Option<OwnedSemaphorePermit>);

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

impl Throttle {
    pub(super) fn new(limits: &Limits, cache: Cache, clock: Clock) -> Self {
        let Limits { per_minute, per_hour, per_minute_of_address, per_hour_of_address, percent, .. } =
            *limits;
        Self {
            turn: Duration::from_millis(limits.turn_ms),
            rest: Duration::from_millis(limits.rest_ms),
            at_once: limits.at_once.clamp(1, 1000),
            of_corp: Windows::of(per_minute, per_hour, percent),
            of_address: Windows::of(per_minute_of_address, per_hour_of_address, percent),
            cache,
            clock,
            lanes: Mutex::new(Lanes { by_key: HashMap::new(), sweep_at: MOST_LANES }),
        }
    }

    /// Waits for the turn of a call, or refuses when that would take too long.
    pub(super) async fn turn(&self, grant: &Grant, endpoint: &Endpoint) -> Result<Turn, CallError> {
        let wait = self.book(grant, endpoint).await?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        if endpoint.width == Width::Wide {
            return Ok(Turn(None));
        }
        match tokio::time::timeout(self.turn, self.lane(grant, endpoint).acquire_owned()).await {
            Ok(place) => Ok(Turn(place.ok())),
            Err(_) => Err(CallError::RateLimited { until: self.clock.now() + Duration::from_secs(1) }),
        }
    }

    /// Lets a path rest, because WeCom said that its limit is reached.
    pub(super) async fn rest(&self, grant: &Grant, endpoint: &Endpoint) {
        let [minute, _] = buckets(&grant.base_url, grant.wecom_corp.as_str(), endpoint);
        self.cache.drain(&minute, self.of_corp.minute, self.rest).await;
    }

    /// Takes the next free moment of all buckets, and says how far away it is.
    async fn book(&self, grant: &Grant, endpoint: &Endpoint) -> Result<Duration, CallError> {
        let Grant { base_url, wecom_corp, .. } = grant;
        let [minute, hour] = buckets(base_url, wecom_corp.as_str(), endpoint);
        let [any_minute, any_hour] = buckets(base_url, ANY_CORP, endpoint);
        let (corp, address) = (self.of_corp, self.of_address);
        let booked = [
            (minute.as_str(), corp.minute),
            (&hour, corp.hour),
            (&any_minute, address.minute),
            (&any_hour, address.hour),
        ];
        match self.cache.book_token(&booked, self.turn).await {
            Booking::In(wait) => Ok(wait),
            Booking::NotBefore(until) => Err(CallError::RateLimited { until }),
        }
    }

    fn lane(&self, grant: &Grant, endpoint: &Endpoint) -> Arc<Semaphore> {
        let mut lanes = self.lanes();
        if lanes.by_key.len() >= lanes.sweep_at {
            lanes.sweep();
        }
        let key =
            Key { base_url: grant.base_url.clone(), corp: grant.wecom_corp.clone(), path: endpoint.path };
        let lane = lanes.by_key.entry(key).or_insert_with(|| Arc::new(Semaphore::new(self.at_once)));
        Arc::clone(lane)
    }

    /// Locks; nothing below can panic half way.
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    /// Drops those in which nothing is under way.
    fn sweep(&mut self) {
        self.by_key.retain(|_, lane| Arc::strong_count(lane) > 1);
        self.sweep_at = (self.by_key.len() * 2).max(MOST_LANES);
    }
}

/// Returns the names of the buckets of the minute and of the hour.
fn buckets(base_url: &str, corp: &str, endpoint: &Endpoint) -> [String; 2] {
    ["minute", "hour"].map(|window| format!("wecom:{window}:{corp}:{}:{base_url}", endpoint.path))
}

#[cfg(test)]
mod tests {
    use scrm_kernel::CorpId;
    use scrm_kernel::time::from_millis;

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
        (Throttle::new(limits, Cache::in_process("", clock.clone()), clock.clone()), clock)
    }

    /// Counts the calls that go through at this moment.
    async fn passed(throttle: &Throttle, grant: &Grant) -> u32 {
        let mut passed = 0;
        while throttle.book(grant, &CUSTOMER).await.is_ok() {
            passed += 1;
        }
        passed
    }

    #[tokio::test]
    async fn no_minute_sees_more_than_four_fifths_of_its_limit() {
        let (throttle, clock) = throttle(&Limits { turn_ms: 0, ..Limits::default() });
        let grant = grant("ww1");
        let mut of_second: Vec<u32> = Vec::new();
        for _ in 0..180 {
            of_second.push(passed(&throttle, &grant).await);
            clock.advance(Duration::from_secs(1));
        }
        let most = of_second.windows(60).map(|minute| minute.iter().sum::<u32>()).max().unwrap();
        assert_eq!(of_second[0], 1000);
        assert!((7_800..=8_000).contains(&most), "{most}");
    }

    #[tokio::test]
    async fn no_hour_sees_more_than_four_fifths_of_its_limit() {
        let (throttle, clock) = throttle(&Limits { turn_ms: 0, ..Limits::default() });
        let grant = grant("ww1");
        let mut of_minute: Vec<u32> = Vec::new();
        for _ in 0..90 {
            of_minute.push(passed(&throttle, &grant).await);
            clock.advance(Duration::from_mins(1));
        }
        let most = of_minute.windows(60).map(|hour| hour.iter().sum::<u32>()).max().unwrap();
        assert!(most <= 120_000, "{most}");
    }

    #[tokio::test]
    async fn a_refused_call_is_let_through_at_the_moment_it_was_told() {
        let limits = Limits { per_minute: 20, percent: 100, turn_ms: 0, ..Limits::default() };
        let (throttle, clock) = throttle(&limits);
        let grant = grant("ww1");
        assert_eq!(passed(&throttle, &grant).await, 2);
        let Err(CallError::RateLimited { until }) = throttle.book(&grant, &CUSTOMER).await else {
            panic!("the bucket is empty");
        };
        clock.advance((until - clock.now()).to_std().unwrap());
        assert_eq!(passed(&throttle, &grant).await, 1);
    }

    #[tokio::test]
    async fn enterprises_and_paths_count_apart_and_rest_apart() {
        let limits = Limits { per_minute: 2, percent: 100, turn_ms: 0, ..Limits::default() };
        let (throttle, clock) = throttle(&limits);
        let (one, other) = (grant("ww1"), grant("ww2"));
        assert_eq!((passed(&throttle, &one).await, passed(&throttle, &other).await), (1, 1));
        assert!(throttle.book(&one, &MARK_TAGS).await.is_ok());

        clock.advance(Duration::from_mins(2));
        throttle.rest(&one, &CUSTOMER).await;
        assert_eq!((passed(&throttle, &one).await, passed(&throttle, &other).await), (0, 1));
        clock.advance(Duration::from_mins(1));
        assert_eq!(passed(&throttle, &one).await, 1);
    }

    #[tokio::test]
    async fn no_minute_of_all_enterprises_together_sees_more_than_four_fifths_of_their_limit() {
        let (throttle, clock) = throttle(&Limits { turn_ms: 0, ..Limits::default() });
        let grants = ["ww1", "ww2", "ww3"].map(grant);
        let mut of_second: Vec<u32> = Vec::new();
        for _ in 0..180 {
            let mut of_all = 0;
            for grant in &grants {
                of_all += passed(&throttle, grant).await;
            }
            of_second.push(of_all);
            clock.advance(Duration::from_secs(1));
        }
        let most = of_second.windows(60).map(|minute| minute.iter().sum::<u32>()).max().unwrap();
        assert_eq!(of_second[0], 2000, "the third waits");
        assert!((15_600..=16_000).contains(&most), "{most}");
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

    #[tokio::test]
    async fn replicas_share_what_their_cache_counts() {
        let limits = Limits { per_minute: 80, percent: 100, turn_ms: 0, ..Limits::default() };
        let (one, clock) = throttle(&limits);
        let other = Throttle::new(&limits, one.cache.clone(), clock.clone());
        let grant = grant("ww1");
        assert_eq!((passed(&one, &grant).await, passed(&other, &grant).await), (10, 0));

        clock.advance(Duration::from_mins(10));
        one.rest(&grant, &CUSTOMER).await;
        assert_eq!(passed(&other, &grant).await, 0);
    }

    #[tokio::test]
    async fn lanes_out_of_use_are_dropped() {
        let (throttle, _) = throttle(&Limits::default());
        let used = throttle.lane(&grant("wwused"), &MARK_TAGS);
        for corp in 1..MOST_LANES {
            throttle.lane(&grant(&format!("ww{corp}")), &MARK_TAGS);
        }
        throttle.lane(&grant("wwlast"), &MARK_TAGS);
        assert_eq!(throttle.lanes().by_key.len(), 2);
        drop(used);
    }
}
