//! Redis that is emptied, killed and started again: values may be missed, never wrong, and nobody sees an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use scrm_cache::{Cache, Permit, Rate, RedisConfig};
use scrm_testing::{Shape, eventually};

use crate::support::OwnRedis;

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn who_wants_to_know_whether_redis_answers_is_told() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let mut redis = OwnRedis::start().await;
    redis.config().ping(LONG).await.unwrap();
    redis.kill();
    let problem = redis.config().ping(LONG).await.unwrap_err().to_string();
    assert!(problem.contains("refused"), "{problem}");
    let bad = RedisConfig { url: "http://u:hush@nowhere".to_owned().into(), patience: LONG };
    let problem = bad.ping(LONG).await.unwrap_err().to_string();
    assert!(problem.contains("must read") && !problem.contains("hush"), "{problem}");
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_a_miss_and_buckets_are_our_own() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let mut redis = OwnRedis::start().await;
    redis.kill();
    let begun = Instant::now();
    let cache = redis.cache().await;
    for _ in 0..100 {
        cache.put("key", &1, LONG).await;
        assert_eq!(cache.get::<i32>("key").await, None);
    }
    let rate = Rate::per_minute(1, 2);
    let mut granted = 0;
    for _ in 0..5 {
        granted += usize::from(cache.take_token("api", rate, 1).await == Permit::Granted);
    }
    assert_eq!(granted, 2);
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for it each time");

    redis.up().await;
    eventually("Redis is used again", async || {
        cache.put("key", &2, LONG).await;
        cache.get::<i32>("key").await
    })
    .await;
}

#[tokio::test]
async fn a_change_that_redis_did_not_hear_of_is_no_old_value_later() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let mut redis = OwnRedis::start().await;
    let (cache, witness) = (redis.cache().await, redis.cache().await);
    for key in ["forgotten", "outdated", "bad", "kept"] {
        cache.put(key, "old", LONG).await;
        assert_eq!(cache.get::<String>(key).await.unwrap(), "old");
    }
    redis.kill();
    cache.forget("forgotten").await;
    cache.put("outdated", "new", LONG).await;
    cache.forget_if("bad", "old").await;
    redis.up().await;

    // Redis has its values again, the old ones too, until `cache` has connected.
    let kept = async || cache.get::<String>("kept").await;
    assert_eq!(eventually("Redis is used again", kept).await, "old");
    let seen = async || witness.get::<String>("kept").await;
    eventually("Redis is used by another process", seen).await;
    for key in ["forgotten", "outdated", "bad"] {
        for cache in [&cache, &witness] {
            assert_eq!(cache.get::<String>(key).await, None, "{key}");
        }
    }
}

#[tokio::test]
async fn a_redis_that_stands_still_holds_nobody_up() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let redis = OwnRedis::start().await;
    let cache = redis.impatient_cache().await;
    redis.tell(&["CLIENT", "PAUSE", "3000"]).await.unwrap();
    let begun = Instant::now();
    for _ in 0..100 {
        cache.get::<i32>("key").await;
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    eventually("Redis is used again", async || {
        cache.put("key", &1, LONG).await;
        cache.get::<i32>("key").await
    })
    .await;
}

/// Each task owns a key and knows what it holds, if anything.
async fn work(cache: Cache, task: u64, stop: Arc<AtomicBool>, hits: Arc<AtomicUsize>) {
    let mut random = ChaCha8Rng::seed_from_u64(task);
    let (key, rate) = (format!("task {task}"), Rate::per_minute(60, 5));
    let mut current = None;
    let mut version = 0;
    while !stop.load(Ordering::Relaxed) {
        match random.next_u32() % 8 {
            0 => {
                cache.forget(&key).await;
                current = None;
            }
            1 => {
                version += 1;
                cache.put(&key, &version, LONG).await;
                current = Some(version);
            }
            2 => {
                cache.forget_if(&key, &version).await;
                current = current.filter(|current| *current != version);
            }
            3 => cache.forget_if(&key, &(version - 1)).await,
            4 => drop(cache.take_token(&key, rate, 1).await),
            _ => {
                let found = cache.get::<i64>(&key).await;
                assert!(found.is_none() || found == current, "{key}: {found:?} is not {current:?}");
                hits.fetch_add(usize::from(found.is_some()), Ordering::Relaxed);
            }
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emptied_and_killed_at_random_it_is_never_wrong() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let mut redis = OwnRedis::start().await;
    let cache = redis.impatient_cache().await;
    let (stop, hits) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let tasks: Vec<_> = (0..16)
        .map(|task| tokio::spawn(work(cache.clone(), task, Arc::clone(&stop), Arc::clone(&hits))))
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(99);
    for _ in 0..8 {
        // Hits tell that the flow goes on, after whatever was done to Redis last.
        let seen = hits.load(Ordering::Relaxed);
        let enough = seen + 200 + random.next_u32() as usize % 300;
        eventually("values are found", async || (hits.load(Ordering::Relaxed) >= enough).then_some(())).await;
        if random.next_u32().is_multiple_of(2) {
            redis.tell(&["FLUSHALL"]).await.unwrap();
        } else {
            redis.kill();
            redis.up().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
}
