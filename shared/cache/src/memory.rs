//! The store of the embedded shape: maps in this process.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrm_kernel::{Clock, Timestamp};

use crate::bounded::Bounded;
use crate::bucket::{Level, Rate, Want};

struct Value {
    bytes: Vec<u8>,
    expires_at: Timestamp,
}

/// Values by name.
pub(crate) struct Memory {
    clock: Clock,
    values: Mutex<Bounded<Value>>,
}

impl Memory {
    pub(crate) fn new(most: usize, clock: Clock) -> Self {
        Self { clock, values: Mutex::new(Bounded::new(most)) }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let mut values = lock(&self.values);
        let value = values.get(key)?;
        if value.expires_at > self.clock.now() {
            return Some(value.bytes.clone());
        }
        values.remove(key);
        None
    }

    pub(crate) fn put(&self, key: &str, bytes: Vec<u8>, life: Duration) {
        let expires_at = self.clock.now() + life;
        lock(&self.values).put(key, Value { bytes, expires_at });
    }

    pub(crate) fn forget(&self, key: &str) {
        lock(&self.values).remove(key);
    }

    pub(crate) fn forget_if(&self, key: &str, bytes: &[u8]) {
        let mut values = lock(&self.values);
        if values.get(key).is_some_and(|value| value.bytes == bytes) {
            values.remove(key);
        }
    }
}

/// Rate buckets by name.
pub(crate) struct Buckets {
    clock: Clock,
    levels: Mutex<Bounded<Level>>,
}

impl Buckets {
    pub(crate) fn new(most: usize, clock: Clock) -> Self {
        Self { clock, levels: Mutex::new(Bounded::new(most)) }
    }

    /// Takes all that is wanted if it is there within `patience`; returns how long that is from now.
    pub(crate) fn take(&self, wanted: &[Want], patience: Duration) -> Duration {
        let mut levels = lock(&self.levels);
        let now = self.clock.now();
        let waits =
            wanted.iter().map(|want| level(&mut levels, &want.bucket, now).wait(want.rate, want.count, now));
        let wait = Duration::from_millis(waits.max().unwrap_or_default());
        if wait <= patience {
            for want in wanted {
                level(&mut levels, &want.bucket, now).pay(want.rate, want.count);
            }
        }
        wait
    }

    pub(crate) fn drain(&self, bucket: &str, rate: Rate, rest: Duration) {
        let now = self.clock.now();
        level(&mut lock(&self.levels), bucket, now).drain(rate, rest, now);
    }
}

/// Returns a bucket, a full one if there is none.
fn level<'a>(levels: &'a mut Bounded<Level>, bucket: &str, now: Timestamp) -> &'a mut Level {
    levels.get_or_put(bucket, || Level::full(now))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
