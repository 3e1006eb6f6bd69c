//! The handle that services have, whichever store is behind it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use scrm_kernel::Clock;
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bucket::{Booking, Permit, Rate, Want};
use crate::memory::{Buckets, Memory};
use crate::metric::READS;
use crate::remote::{self, Remote};

/// Values and buckets that one process keeps at most; those least recently used are forgotten.
const MOST_ENTRIES: usize = 10_000;
/// The longest life of a value: a cache is for what is short-lived.
const LONGEST_LIFE: Duration = Duration::from_hours(24 * 30);

/// The longest rest of a bucket.
const LONGEST_REST: Duration = Duration::from_hours(1);

/// Where Redis is.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://user:password@host:port/number`.
    pub url: SecretString,
    /// How long it may take for anything; whoever waits for it could do without. 200 ms are usual.
    pub patience: Duration,
}

/// An address that cannot be one of Redis.
#[derive(Debug, thiserror::Error)]
#[error("not an address of Redis: {0}")]
pub struct BadAddress(pub(crate) &'static str);

/// Redis cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("Redis cannot be used: {0}")]
pub struct NoAnswer(pub(crate) String);

impl RedisConfig {
    /// Asks Redis for a sign of life, within `patience`.
    pub async fn ping(&self, patience: Duration) -> Result<(), NoAnswer> {
        remote::ping(self, patience).await
    }
}

/// Short-lived values and rate buckets. Cheap to clone.
///
/// Nothing here fails: a store that is away has no values, and buckets are then this process's own.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    prefix: String,
    store: Store,
    /// The only ones in process; with Redis, those of an outage.
    buckets: Buckets,
    clock: Clock,
}

enum Store {
    Memory(Memory),
    Redis(Box<Remote>),
}

impl Cache {
    /// Returns a cache in this process; names begin with `prefix`, as they do in Redis.
    pub fn in_process(prefix: &str, clock: Clock) -> Self {
        Self::of(prefix, Store::Memory(Memory::new(MOST_ENTRIES, clock.clone())), clock)
    }

    /// Returns a cache in Redis; names begin with `prefix`, so that services and installations can share a server.
    ///
    /// A server that is not there is tried again when the cache is used.
    pub async fn in_redis(prefix: &str, config: &RedisConfig, clock: Clock) -> Result<Self, BadAddress> {
        let remote = Remote::open(config).await?;
        Ok(Self::of(prefix, Store::Redis(Box::new(remote)), clock))
    }

    fn of(prefix: &str, store: Store, clock: Clock) -> Self {
        let buckets = Buckets::new(MOST_ENTRIES, clock.clone());
        Self(Arc::new(Inner { prefix: prefix.to_owned(), store, buckets, clock }))
    }

    /// Returns the value of `key`; `None` if there is none any more, or none that is a `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let key = self.value_name(key);
        let (found, missing) = match &self.0.store {
            Store::Memory(memory) => (memory.get(&key), "miss"),
            Store::Redis(remote) => match remote.get(&key).await {
                Some(found) => (found, "miss"),
                None => (None, "unavailable"),
            },
        };
        // What an older version left may not be what this one reads.
        let value = found.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        metrics::counter!(READS, "outcome" => if value.is_some() { "hit" } else { missing }).increment(1);
        value
    }

    /// Keeps `value` for `life`, 30 days at most, or for less: it may be gone any time.
    pub async fn put<T: Serialize + ?Sized + Sync>(&self, key: &str, value: &T, life: Duration) {
        let Some(bytes) = json_of(value).filter(|_| life >= Duration::from_millis(1)) else {
            // The value before it is outdated all the same.
            return self.forget(key).await;
        };
        let (key, life) = (self.value_name(key), life.min(LONGEST_LIFE));
        match &self.0.store {
            Store::Memory(memory) => memory.put(&key, bytes, life),
            Store::Redis(remote) => remote.put(&key, &bytes, life).await,
        }
    }

    /// Forgets the value of `key`.
    pub async fn forget(&self, key: &str) {
        let key = self.value_name(key);
        match &self.0.store {
            Store::Memory(memory) => memory.forget(&key),
            Store::Redis(remote) => remote.forget(&key).await,
        }
    }

    /// Forgets the value of `key` if it still is `value`; of ten processes that find it bad, none forgets its successor.
    ///
    /// Values are compared as JSON: a map without an order is never sure to be itself.
    pub async fn forget_if<T: Serialize + ?Sized + Sync>(&self, key: &str, value: &T) {
        let (key, Some(bytes)) = (self.value_name(key), json_of(value)) else { return };
        match &self.0.store {
            Store::Memory(memory) => memory.forget_if(&key, &bytes),
            Store::Redis(remote) => remote.forget_if(&key, &bytes).await,
        }
    }

    /// Takes `count` tokens out of a bucket that fills with `rate`, or says when to ask again.
    ///
    /// A bucket is full at first. More than it holds is given when it is full, and what comes after waits the longer.
    /// While Redis is away each process has a bucket of its own.
    pub async fn take_token(&self, bucket: &str, rate: Rate, count: u32) -> Permit {
        let wait = self.take(&[self.want(bucket, rate, count)], Duration::ZERO).await;
        if wait.is_zero() { Permit::Granted } else { Permit::WaitUntil(self.0.clock.now() + wait) }
    }

    /// Takes a token out of each of several buckets, or none out of any, and says how long to wait before it is used.
    ///
    /// Tokens that are still to come are taken ahead of time, so that those who wait do not ask again and again. When
    /// that would be longer than `patience`, nothing is taken.
    pub async fn book_token(&self, buckets: &[(&str, Rate)], patience: Duration) -> Booking {
        let wanted: Vec<_> = buckets.iter().map(|(bucket, rate)| self.want(bucket, *rate, 1)).collect();
        let wait = self.take(&wanted, patience).await;
        if wait <= patience { Booking::In(wait) } else { Booking::NotBefore(self.0.clock.now() + wait) }
    }

    /// Empties a bucket so that it gives its next token after `rest`, an hour at most, and the others by its rate.
    pub async fn drain(&self, bucket: &str, rate: Rate, rest: Duration) {
        let (name, rest) = (self.bucket_name(bucket), rest.min(LONGEST_REST));
        if let Store::Redis(remote) = &self.0.store
            && remote.drain(&name, rate, rest).await.is_some()
        {
            return;
        }
        self.0.buckets.drain(&name, rate, rest);
    }

    /// Returns the span until the tokens are there; they are taken if it is no longer than `patience`.
    ///
    /// A span of time, not a moment, comes from Redis, so it does not matter whose clock is right.
    async fn take(&self, wanted: &[Want], patience: Duration) -> Duration {
        if let Store::Redis(remote) = &self.0.store
            && let Some(wait) = remote.take(wanted, patience).await
        {
            return wait;
        }
        self.0.buckets.take(wanted, patience)
    }

    fn want(&self, bucket: &str, rate: Rate, count: u32) -> Want {
        Want { bucket: self.bucket_name(bucket), rate, count }
    }

    fn bucket_name(&self, bucket: &str) -> String {
        format!("{}b:{bucket}", self.0.prefix)
    }

    fn value_name(&self, key: &str) -> String {
        format!("{}v:{key}", self.0.prefix)
    }
}

/// Says where the values are, and none of them: they may be secrets.
impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = match self.0.store {
            Store::Memory(_) => "memory",
            Store::Redis(_) => "redis",
        };
        f.debug_struct("Cache").field("prefix", &self.0.prefix).field("store", &store).finish_non_exhaustive()
    }
}

fn json_of<T: Serialize + ?Sized>(value: &T) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(value).ok();
    if json.is_none() {
        // Without the error, which might quote the value.
        tracing::warn!(kind = std::any::type_name::<T>(), "A value cannot be cached, because it is no JSON");
    }
    json
}
