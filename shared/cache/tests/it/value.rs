//! Values: kept for a while, forgotten, and nobody else's.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use scrm_cache::{Cache, RedisConfig};
use scrm_kernel::Clock;
use scrm_testing::{Shape, redis_url};

use crate::support::{TestCache, cache_at};

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_value_comes_back_as_it_was() {
    let TestCache { cache, .. } = TestCache::start().await;
    assert_eq!(cache.get::<String>("token").await, None);
    cache.put("token", "客户\u{0}", LONG).await;
    assert_eq!(cache.get::<String>("token").await.unwrap(), "客户\u{0}");
    cache.put("token", &BTreeMap::from([("a", vec![1.5, 2.0])]), LONG).await;
    let map: BTreeMap<String, Vec<f64>> = cache.get("token").await.unwrap();
    assert_eq!(map["a"], [1.5, 2.0]);
    // Of another kind: as an older version may have left it.
    assert_eq!(cache.get::<u8>("token").await, None);
}

#[tokio::test]
async fn a_value_lives_as_long_as_it_was_told() {
    let test = TestCache::start().await;
    test.cache.put("brief", &1, Duration::from_millis(40)).await;
    test.cache.put("long", &2, LONG).await;
    let life = Duration::from_millis(40);
    test.outlive(life, async || test.cache.get::<i32>("brief").await.is_none()).await;
    assert_eq!(test.cache.get("long").await, Some(2));
    // No life at all replaces what was there, too.
    test.cache.put("long", &3, Duration::ZERO).await;
    assert_eq!(test.cache.get::<i32>("long").await, None);
    test.cache.put("for ever", &4, Duration::MAX).await;
    assert_eq!(test.cache.get("for ever").await, Some(4));
}

#[tokio::test]
async fn what_cannot_be_kept_replaces_what_was_there() {
    let TestCache { cache, .. } = TestCache::start().await;
    cache.put("key", &1, LONG).await;
    cache.put("key", &BTreeMap::from([([1, 2], 3)]), LONG).await; // no JSON
    assert_eq!(cache.get::<i32>("key").await, None);
}

#[tokio::test]
async fn a_forgotten_value_is_gone_and_its_neighbour_is_not() {
    let TestCache { cache, .. } = TestCache::start().await;
    cache.put("a", &1, LONG).await;
    cache.put("b", &2, LONG).await;
    cache.forget("a").await;
    cache.forget("nothing").await;
    assert_eq!((cache.get::<i32>("a").await, cache.get::<i32>("b").await), (None, Some(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_forget_an_old_value_none_forgets_the_new_one() {
    let TestCache { cache, .. } = TestCache::start().await;
    for round in 0..20 {
        cache.put("token", &format!("old {round}"), LONG).await;
        let forget = (0..10).map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.forget_if("token", &format!("old {round}")).await })
        });
        let forgetting: Vec<_> = forget.collect();
        cache.put("token", &format!("new {round}"), LONG).await;
        join_all(forgetting).await;
        assert_eq!(cache.get::<String>("token").await.unwrap(), format!("new {round}"));
        cache.forget_if("token", &format!("new {round}")).await;
        assert_eq!(cache.get::<String>("token").await, None);
    }
}

#[tokio::test]
async fn caches_with_other_prefixes_are_strangers() {
    if Shape::chosen() == Shape::Embedded {
        return;
    }
    let test = TestCache::start().await;
    let same = cache_at(redis_url(), &test.prefix, Clock::system()).await;
    let other = cache_at(redis_url(), &format!("{}x", test.prefix), Clock::system()).await;
    test.cache.put("key", &1, LONG).await;
    assert_eq!((same.get::<i32>("key").await, other.get::<i32>("key").await), (Some(1), None));
}

#[tokio::test]
async fn too_many_values_push_out_the_oldest_and_nothing_else() {
    if Shape::chosen() == Shape::Distributed {
        return; // there the server has the limit
    }
    let TestCache { cache, .. } = TestCache::start().await;
    for number in 0..20_000 {
        cache.put(&number.to_string(), &number, LONG).await;
    }
    let mut kept = 0;
    for number in 0..20_000 {
        let value = cache.get::<i32>(&number.to_string()).await;
        assert!(value.is_none_or(|value| value == number && value >= 10_000), "{value:?}");
        kept += usize::from(value.is_some());
    }
    assert_eq!(kept, 10_000);
}

#[tokio::test]
async fn secrets_are_not_printed() {
    let TestCache { cache, .. } = TestCache::start().await;
    cache.put("token", "very secret", LONG).await;
    assert!(!format!("{cache:?}").contains("secret"), "{cache:?}");
    let config = RedisConfig { url: "redis:/secret@nowhere".to_owned().into(), patience: LONG };
    let bad = Cache::in_redis("", &config, Clock::system()).await.unwrap_err();
    assert!(!format!("{config:?} {bad:?} {bad}").contains("secret"), "{bad:?}");
}
