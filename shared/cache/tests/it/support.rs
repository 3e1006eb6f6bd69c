//! A cache of the chosen shape, and a Redis that a test may kill.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use scrm_cache::{Cache, RedisConfig};
use scrm_kernel::{Clock, MessageId};
use scrm_testing::{Shape, eventually, redis_url};
use tempfile::TempDir;

/// A cache and its clock, which is a mock in process and the computer's with Redis.
pub(crate) struct TestCache {
    pub(crate) cache: Cache,
    pub(crate) prefix: String,
    clock: Clock,
}

impl TestCache {
    pub(crate) async fn start() -> Self {
        let prefix = format!("test-{}:", MessageId::mint(Clock::system().now()));
        match Shape::chosen() {
            Shape::Embedded => {
                let clock = scrm_testing::clock();
                Self { cache: Cache::in_process(&prefix, clock.clone()), prefix, clock }
            }
            Shape::Distributed => {
                let clock = Clock::system();
                let cache = cache_at(redis_url(), &prefix, clock.clone()).await;
                Self { cache, prefix, clock }
            }
        }
    }

    /// Lets time pass until `gone` holds.
    pub(crate) async fn outlive(&self, life: Duration, mut gone: impl AsyncFnMut() -> bool) {
        self.clock.advance(life);
        eventually("its time is over", async || gone().await.then_some(())).await;
    }
}

/// Opens a cache that has more patience than a service, because a busy machine must fail no test.
pub(crate) async fn cache_at(url: String, prefix: &str, clock: Clock) -> Cache {
    let config = RedisConfig { url: url.into(), patience: Duration::from_secs(5) };
    Cache::in_redis(prefix, &config, clock).await.unwrap()
}

/// Returns a port that stays free while nobody listens on it: it is none of those that are given to whoever connects.
fn own_port() -> u16 {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (first..32_000).find(is_free).unwrap()
}

/// A Redis of one test, which keeps its values over a crash.
pub(crate) struct OwnRedis {
    port: u16,
    folder: TempDir,
    process: Option<Child>,
}

impl OwnRedis {
    pub(crate) async fn start() -> Self {
        let mut redis = Self { port: own_port(), folder: tempfile::tempdir().unwrap(), process: None };
        redis.up().await;
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn config(&self) -> RedisConfig {
        RedisConfig { url: self.url().into(), patience: Duration::from_secs(5) }
    }

    pub(crate) async fn cache(&self) -> Cache {
        cache_at(self.url(), "own:", Clock::system()).await
    }

    /// Opens a cache with the patience of a service.
    pub(crate) async fn impatient_cache(&self) -> Cache {
        let config = RedisConfig { url: self.url().into(), patience: Duration::from_millis(200) };
        Cache::in_redis("own:", &config, Clock::system()).await.unwrap()
    }

    pub(crate) async fn up(&mut self) {
        let dir = PathBuf::from(self.folder.path());
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
            .arg(dir)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        eventually("Redis answers", async || self.tell(&["PING"]).await.ok()).await;
    }

    /// Kills it; what it has is on its disk.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    pub(crate) async fn tell(&self, words: &[&str]) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
    }
}
