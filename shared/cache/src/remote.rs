//! The store of the distributed shape: Redis, which may be away at any time.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, cmd};
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use crate::bucket::{Rate, Want};
use crate::cache::{BadAddress, NoAnswer, RedisConfig};
use crate::metric::FAILURES;

/// How long an absent Redis is left alone, so that not everybody waits for it.
const PAUSE: Duration = Duration::from_millis(500);
/// Names to be forgotten once Redis is back. Beyond it a value may be as old as its life.
const MOST_OWED: usize = 10_000;

const TAKE: &str = include_str!("take.lua");
const DRAIN: &str = include_str!("drain.lua");
const FORGET_IF: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// A connection to Redis that is made anew when it is lost.
pub(crate) struct Remote {
    client: Client,
    patience: Duration,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    connection: Option<MultiplexedConnection>,
    /// Counts connections, so that what fails late is blamed on the right one.
    number: u64,
    /// When the next connection may be tried.
    rest_until: Option<Instant>,
    /// Somebody was told that Redis is away.
    is_out: bool,
    /// Values that may be outdated, because their change did not reach Redis.
    owed: HashSet<String>,
}

impl Line {
    /// Notes that a value is to be forgotten before anybody reads it again.
    fn owe(&mut self, key: Option<&str>) {
        if let Some(key) = key.filter(|_| self.owed.len() < MOST_OWED) {
            self.owed.insert(key.to_owned());
        }
    }

    /// Tells of an outage, once.
    fn complain(&mut self, error: &RedisError) {
        if !self.is_out {
            self.is_out = true;
            tracing::warn!(error = %error, "Redis cannot be used; going on without it until it is back");
        }
    }
}

impl Remote {
    pub(crate) async fn open(config: &RedisConfig) -> Result<Self, BadAddress> {
        // The error of the client might tell the password.
        let client = Client::open(config.url.expose_secret())
            .map_err(|_| BadAddress("it reads redis://user:password@host:port/number"))?;
        let remote = Self { client, patience: config.patience, line: Mutex::default() };
        remote.connection(None).await;
        Ok(remote)
    }

    /// Returns the value, if there is one; `None` when Redis cannot be asked.
    pub(crate) async fn get(&self, key: &str) -> Option<Option<Vec<u8>>> {
        self.run("get", None, cmd("GET").arg(key)).await
    }

    pub(crate) async fn put(&self, key: &str, bytes: &[u8], life: Duration) {
        let millis = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        self.run::<()>("put", Some(key), cmd("SET").arg(key).arg(bytes).arg("PX").arg(millis)).await;
    }

    pub(crate) async fn forget(&self, key: &str) {
        self.run::<()>("forget", Some(key), cmd("DEL").arg(key)).await;
    }

    pub(crate) async fn forget_if(&self, key: &str, bytes: &[u8]) {
        let command = cmd("EVAL").arg(FORGET_IF).arg(1).arg(key).arg(bytes).to_owned();
        self.run::<()>("forget_if", Some(key), &command).await;
    }

    /// Takes all that is wanted if it is there within `patience`; returns how long that is from now, `None` when Redis
    /// cannot be asked.
    pub(crate) async fn take(&self, wanted: &[Want], patience: Duration) -> Option<Duration> {
        let mut command = cmd("EVAL");
        command.arg(TAKE).arg(wanted.len());
        for want in wanted {
            command.arg(&want.bucket);
        }
        command.arg(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
        for Want { rate, count, .. } in wanted {
            command.arg(rate.pace()).arg(rate.room()).arg(rate.units(*count));
        }
        self.run::<u64>("take_token", None, &command).await.map(Duration::from_millis)
    }

    /// Drains a bucket; `None` when Redis cannot be asked.
    pub(crate) async fn drain(&self, bucket: &str, rate: Rate, rest: Duration) -> Option<()> {
        let mut command = cmd("EVAL");
        command.arg(DRAIN).arg(1).arg(bucket).arg(rate.pace()).arg(rate.missing_for(rest));
        self.run("drain", None, &command).await
    }

    /// Has Redis do something. If it cannot, the value `changed` is forgotten as soon as it can.
    async fn run<T: FromRedisValue>(
        &self,
        operation: &'static str,
        changed: Option<&str>,
        command: &Cmd,
    ) -> Option<T> {
        let outcome = match self.connection(changed).await {
            Some((number, mut connection)) => {
                let outcome = timeout(self.patience, command.query_async(&mut connection)).await;
                outcome.map_err(|_| late()).flatten().map_err(|error| self.lose(number, changed, &error)).ok()
            }
            None => None,
        };
        if outcome.is_none() {
            metrics::counter!(FAILURES, "operation" => operation).increment(1);
        }
        outcome
    }

    /// Returns the connection, a new one if there is none and it is time to try.
    async fn connection(&self, changed: Option<&str>) -> Option<(u64, MultiplexedConnection)> {
        {
            let mut line = self.lock();
            if let Some(connection) = &line.connection {
                return Some((line.number, connection.clone()));
            }
            line.owe(changed);
            let now = Instant::now();
            if line.rest_until.is_some_and(|moment| moment > now) {
                return None;
            }
            // The others do without while this one tries.
            line.rest_until = Some(now + PAUSE);
        }
        let connected = timeout(self.patience, self.connect()).await;
        match connected.map_err(|_| late()).flatten() {
            Ok(connected) => Some(connected),
            Err(error) => {
                self.lock().complain(&error);
                None
            }
        }
    }

    async fn connect(&self) -> Result<(u64, MultiplexedConnection), RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut paid = HashSet::new();
        loop {
            // Nobody may read what is outdated, so these go first.
            let owed: Vec<_> = {
                let mut line = self.lock();
                line.owed.retain(|key| !paid.contains(key));
                if line.owed.is_empty() {
                    line.connection = Some(connection.clone());
                    line.number += 1;
                    line.is_out = false;
                    tracing::info!("Connected to Redis");
                    return Ok((line.number, connection));
                }
                line.owed.iter().cloned().collect()
            };
            cmd("DEL").arg(&owed).exec_async(&mut connection).await?;
            paid.extend(owed);
        }
    }

    /// Gives a connection up after something failed on it.
    fn lose(&self, number: u64, changed: Option<&str>, error: &RedisError) {
        let mut line = self.lock();
        line.owe(changed);
        // A newer connection stays, unless it has to pay for this change first.
        if line.connection.is_some() && (line.number == number || changed.is_some()) {
            line.connection = None;
            line.rest_until = Some(Instant::now() + PAUSE);
            line.complain(error);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for a sign of life on a connection of its own.
pub(crate) async fn ping(config: &RedisConfig, patience: Duration) -> Result<(), NoAnswer> {
    let asking = async {
        let client = Client::open(config.url.expose_secret())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        cmd("PING").exec_async(&mut connection).await
    };
    // The client's words on an address might tell the password; those on anything else name no secret.
    let told = |error: RedisError| match error.kind() {
        redis::ErrorKind::InvalidClientConfig => {
            NoAnswer("its address must read redis://user:password@host:port/number".to_owned())
        }
        _ => NoAnswer(error.to_string()),
    };
    timeout(patience, asking).await.map_err(|_| late()).flatten().map_err(told)
}

fn late() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}
