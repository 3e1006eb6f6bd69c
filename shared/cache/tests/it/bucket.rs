//! Rate buckets: never more than the burst and what has come back since.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use scrm_cache::{Cache, Permit, Rate};
use scrm_kernel::Clock;
use scrm_testing::Shape;

use crate::support::{TestCache, cache_at, shared_redis};

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
        let replica = cache_at(shared_redis(), &test.prefix, clock.clone()).await;
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

/// The script does the sums of the process: same steps, same answers, to the millisecond.
#[tokio::test]
async fn both_stores_do_the_same_sums() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let test = TestCache::start().await;
    // With the clock of the test, and without expiry, which goes by the clock of Redis.
    let script = include_str!("../../src/take.lua")
        .replace("redis.call('TIME')", "{ARGV[4], ARGV[5]}")
        .replace("redis.call('PEXPIRE'", "--");
    let client = redis::Client::open(shared_redis()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for bucket in 0..20 {
        let clock = scrm_testing::clock();
        let cache = Cache::in_process("", clock.clone());
        let (per_minute, burst) = (1 + random.next_u32() % 5000, 1 + random.next_u32() % 100);
        for step in 0..50 {
            let count = random.next_u32() % (burst + burst / 4 + 1);
            let now = clock.now().timestamp_millis();
            let wait: i64 = redis::cmd("EVAL")
                .arg(&script)
                .arg(1)
                .arg(format!("{}{bucket}", test.prefix))
                .arg(per_minute)
                .arg(u64::from(burst) * 60_000)
                .arg(u64::from(count) * 60_000)
                .arg(now / 1000)
                .arg(now % 1000 * 1000)
                .query_async(&mut redis)
                .await
                .unwrap();
            let rate = Rate::per_minute(per_minute, burst);
            let permit = cache.take_token(&bucket.to_string(), rate, count).await;
            let expected = match permit {
                Permit::Granted => 0,
                Permit::WaitUntil(moment) => moment.timestamp_millis() - now,
            };
            assert_eq!(wait, expected, "bucket {bucket}, step {step}");
            clock.advance(Duration::from_millis((random.next_u32() % 400).into()));
        }
        let key = format!("{}{bucket}", test.prefix);
        redis::cmd("DEL").arg(key).exec_async(&mut redis).await.unwrap();
    }
}

fn now() -> scrm_kernel::Timestamp {
    match Shape::chosen() {
        Shape::Embedded => scrm_testing::clock().now(),
        Shape::Distributed => Clock::system().now(),
    }
}
