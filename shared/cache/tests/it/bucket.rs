//! Rate buckets: never more than the burst and what has come back since.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use scrm_cache::{Booking, Cache, Permit, Rate};
use scrm_kernel::Clock;
use scrm_testing::{Shape, redis_url};

use crate::support::{TestCache, cache_at};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_tasks_get_the_burst_and_what_comes_back_and_no_more() {
    let test = TestCache::start().await;
    let rate = Rate::per_minute(6000, 50); // one in 10 ms
    let begun = Instant::now();
    let tasks = (0..64).map(|_| {
        let cache = test.cache.clone();
        tokio::spawn(async move {
            let mut granted = 0_u128;
            for _ in 0..20 {
                granted += u128::from(cache.take_token("api", rate, 1).await == Permit::Granted);
            }
            granted
        })
    });
    let granted: u128 = join_all(tasks).await.into_iter().map(Result::unwrap).sum();
    // In process the clock stands still.
    let passed = if Shape::chosen() == Shape::Embedded { 0 } else { begun.elapsed().as_millis() };
    assert!((50..=50 + passed / 10 + 1).contains(&granted), "{granted} in {passed} ms");
}

#[tokio::test]
async fn an_empty_bucket_says_when_to_ask_again() {
    let TestCache { cache, .. } = TestCache::start().await;
    let rate = Rate::per_minute(1, 2);
    assert_eq!(cache.take_token("api", rate, 2).await, Permit::Granted);
    assert_eq!(cache.take_token("other", rate, 1).await, Permit::Granted);
    let before = now();
    let Permit::WaitUntil(moment) = cache.take_token("api", rate, 1).await else {
        panic!("it is empty");
    };
    let wait = moment - before;
    assert!(wait.num_seconds() >= 50 && wait.num_seconds() <= 60, "{wait}");
}

#[tokio::test]
async fn it_is_granted_at_the_moment_that_was_named() {
    let TestCache { cache, .. } = TestCache::start().await;
    if Shape::chosen() == Shape::Embedded {
        return; // bucket.rs tries it by the millisecond
    }
    let rate = Rate::per_minute(600, 1);
    assert_eq!(cache.take_token("api", rate, 1).await, Permit::Granted);
    let Permit::WaitUntil(moment) = cache.take_token("api", rate, 1).await else {
        panic!("it is empty");
    };
    Clock::system().sleep_until(moment).await;
    assert_eq!(cache.take_token("api", rate, 1).await, Permit::Granted);
}

#[tokio::test]
async fn who_waits_takes_ahead_of_time_and_who_cannot_takes_of_no_bucket() {
    let TestCache { cache, .. } = TestCache::start().await;
    let (quick, slow) = (("quick", Rate::per_minute(6, 1)), ("slow", Rate::per_minute(1, 2)));
    let patience = Duration::from_secs(30);
    // In tens of seconds, each of them a token of the quick one.
    let wait = async |buckets: &[(&str, Rate)]| match cache.book_token(buckets, patience).await {
        Booking::In(wait) => Some(wait.as_millis().div_ceil(10_000)),
        Booking::NotBefore(_) => None,
    };
    assert_eq!([wait(&[quick, slow]).await, wait(&[quick, slow]).await], [Some(0), Some(1)]);
    // The slow one is empty: the quick one loses nothing, however often they are asked.
    for _ in 0..20 {
        assert_eq!(wait(&[quick, slow]).await, None);
    }
    assert_eq!(wait(&[quick]).await, Some(2));
}

#[tokio::test]
async fn a_drained_bucket_rests_and_others_do_not() {
    let TestCache { cache, .. } = TestCache::start().await;
    let rate = Rate::per_minute(600, 10);
    cache.drain("api", rate, Duration::from_mins(1)).await;
    let before = now();
    let Permit::WaitUntil(moment) = cache.take_token("api", rate, 1).await else {
        panic!("it rests");
    };
    let wait = moment - before;
    assert!(wait.num_seconds() >= 50 && wait.num_seconds() <= 60, "{wait}");
    assert_eq!(cache.take_token("other", rate, 10).await, Permit::Granted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_whose_clocks_differ_share_a_bucket() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let test = TestCache::start().await;
    let late = Clock::mock(now() - Duration::from_hours(5));
    let early = Clock::mock(now() + Duration::from_hours(5));
    let rate = Rate::per_minute(1, 10);
    let mut granted = 0;
    for clock in [late, early, Clock::system()] {
        let replica = cache_at(redis_url(), &test.prefix, clock.clone()).await;
        for _ in 0..10 {
            match replica.take_token("api", rate, 1).await {
                Permit::Granted => granted += 1,
                Permit::WaitUntil(moment) => {
                    let wait = moment - clock.now();
                    assert!(wait.num_seconds() >= 0 && wait.num_seconds() <= 60, "{wait}");
                }
            }
        }
    }
    assert_eq!(granted, 10);
}

/// A way to say in numbers what a bucket answers.
fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap()
}

/// The scripts do the sums of the process: same steps, same answers, to the millisecond.
#[tokio::test]
async fn both_stores_do_the_same_sums() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let test = TestCache::start().await;
    let mut redis = Scripts::of(&test).await;
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for round in 0..20 {
        let clock = scrm_testing::clock();
        let cache = Cache::in_process("", clock.clone());
        let (tokens, burst) = (1 + random.next_u32() % 5000, 1 + random.next_u32() % 100);
        let (minute, hour) = (format!("minute{round}"), format!("hour{round}"));
        let rates =
            [(minute.as_str(), Rate::per_minute(tokens, burst)), (&hour, Rate::per_hour(tokens * 20, burst))];
        let sizes = [(tokens, burst, 60_000), (tokens * 20, burst, 3_600_000)];
        for step in 0..50 {
            let now = clock.now().timestamp_millis();
            let (ours, theirs) = match random.next_u32() % 8 {
                0 => {
                    let rest = u64::from(random.next_u32() % 500);
                    cache.drain(&minute, rates[0].1, Duration::from_millis(rest)).await;
                    let least = u64::from(burst - 1) * 60_000 + rest * u64::from(tokens);
                    (0, redis.run(DRAIN, &[&minute], now, &[tokens.into(), least]).await)
                }
                1..4 => {
                    let patience = u64::from(random.next_u32() % 300);
                    let booking = cache.book_token(&rates, Duration::from_millis(patience)).await;
                    let wait = match booking {
                        Booking::In(wait) => millis(wait),
                        Booking::NotBefore(moment) => u64::try_from(moment.timestamp_millis() - now).unwrap(),
                    };
                    let sums =
                        sizes.map(|(tokens, burst, unit)| [tokens.into(), u64::from(burst) * unit, unit]);
                    let arguments = [&[patience][..], sums.as_flattened()].concat();
                    (wait, redis.run(TAKE, &[&minute, &hour], now, &arguments).await)
                }
                _ => {
                    let count = random.next_u32() % (burst + burst / 4 + 1);
                    let wait = match cache.take_token(&minute, rates[0].1, count).await {
                        Permit::Granted => 0,
                        Permit::WaitUntil(moment) => u64::try_from(moment.timestamp_millis() - now).unwrap(),
                    };
                    let unit = 60_000;
                    let arguments = [0, tokens.into(), u64::from(burst) * unit, u64::from(count) * unit];
                    (wait, redis.run(TAKE, &[&minute], now, &arguments).await)
                }
            };
            assert_eq!(theirs, ours, "round {round}, step {step}");
            clock.advance(Duration::from_millis((random.next_u32() % 400).into()));
        }
        redis.forget(&[&minute, &hour]).await;
    }
}

const TAKE: &str = include_str!("../../src/take.lua");
const DRAIN: &str = include_str!("../../src/drain.lua");

/// Runs the scripts with the clock of the test, and without expiry, which goes by the clock of Redis.
struct Scripts {
    redis: redis::aio::MultiplexedConnection,
    prefix: String,
}

impl Scripts {
    async fn of(test: &TestCache) -> Self {
        let client = redis::Client::open(redis_url()).unwrap();
        let redis = client.get_multiplexed_async_connection().await.unwrap();
        Self { redis, prefix: test.prefix.clone() }
    }

    async fn run(&mut self, script: &str, buckets: &[&str], now: i64, arguments: &[u64]) -> u64 {
        let script = script
            .replace("redis.call('TIME')", "{ARGV[#ARGV - 1], ARGV[#ARGV]}")
            .replace("redis.call('PEXPIRE'", "--");
        let mut command = redis::cmd("EVAL");
        command.arg(&script).arg(buckets.len());
        for bucket in buckets {
            command.arg(format!("{}{bucket}", self.prefix));
        }
        command.arg(arguments).arg(now / 1000).arg(now % 1000 * 1000);
        command.query_async(&mut self.redis).await.unwrap()
    }

    async fn forget(&mut self, buckets: &[&str]) {
        for bucket in buckets {
            let key = format!("{}{bucket}", self.prefix);
            redis::cmd("DEL").arg(key).exec_async(&mut self.redis).await.unwrap();
        }
    }
}

fn now() -> scrm_kernel::Timestamp {
    match Shape::chosen() {
        Shape::Embedded => scrm_testing::clock().now(),
        Shape::Distributed => Clock::system().now(),
    }
}
