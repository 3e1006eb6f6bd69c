//! Where a process of the distributed shape finds its surroundings; `process.default.toml` explains every key.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use scrm_cache::{BadAddress, Cache, RedisConfig};
use scrm_config::ConfigError;
use scrm_db::Database;
use scrm_kernel::Clock;
use scrm_telemetry::{Format, Traces};
use scrm_wecom::client::Limits;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// What stands for the service's name in the database's address.
const SERVICE: &str = "{service}";
/// How long Redis may take for anything: whoever waits for it could do without.
const CACHE_PATIENCE: Duration = Duration::from_millis(200);

/// The surroundings of one service's process.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    database: DatabaseSettings,
    broker: BrokerSettings,
    cache: CacheSettings,
    /// Where access tokens come from.
    pub ingest: IngestSettings,
    /// Key files.
    pub keys: KeySettings,
    /// Where it answers.
    pub http: HttpSettings,
    /// How fast WeCom may be asked.
    #[serde(default)]
    pub wecom: Limits,
    /// What it logs.
    pub log: LogSettings,
    #[serde(default)]
    traces: TraceSettings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TraceSettings {
    endpoint: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DatabaseSettings {
    url: SecretString,
    connections: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BrokerSettings {
    url: SecretString,
    prefix: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheSettings {
    url: Option<SecretString>,
    prefix: String,
}

/// Where the service ingest answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestSettings {
    /// `http://ingest:8080`.
    pub url: String,
}

/// Key files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySettings {
    /// The keys that seal personal data and sign tokens.
    pub installation: PathBuf,
}

/// Where a process answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Address and port.
    pub listen: SocketAddr,
    /// Threads that answer.
    pub workers: usize,
}

/// What a process logs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// Such as `info,scrm_leads=debug`.
    pub filter: String,
    format: LogFormat,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LogFormat {
    Pretty,
    Json,
}

impl LogSettings {
    /// Returns how lines look.
    pub const fn format(&self) -> Format {
        match self.format {
            LogFormat::Pretty => Format::Pretty,
            LogFormat::Json => Format::Json,
        }
    }
}

impl Settings {
    /// Loads the surroundings of `service`: defaults, `file`, environment.
    pub fn load(service: &'static str, file: Option<&Path>) -> Result<Self, ConfigError> {
        scrm_config::load_process(service, include_str!("../process.default.toml"), file)
    }

    /// Returns the database of `service`.
    pub fn database(&self, service: &str) -> Database {
        Database::Postgres {
            url: self.database.url.expose_secret().replace(SERVICE, service),
            connections: self.database.connections,
        }
    }

    /// Returns where the traces of `service` go, if anywhere.
    pub fn traces(&self, service: &str) -> Option<Traces> {
        let endpoint =
            self.traces.endpoint.clone().or_else(|| scrm_config::variable(scrm_telemetry::ENDPOINT))?;
        Some(Traces { endpoint, service: format!("scrm-{service}") })
    }

    /// Returns where Redis is, if there is one.
    pub fn cache(&self) -> Option<RedisConfig> {
        self.cache.url.clone().map(|url| RedisConfig { url, patience: CACHE_PATIENCE })
    }

    /// Opens the cache: in Redis, or in this process if there is none. A Redis that is away is no failure.
    pub async fn open_cache(&self, clock: Clock) -> Result<Cache, BadAddress> {
        let prefix = &self.cache.prefix;
        match self.cache() {
            Some(redis) => Cache::in_redis(prefix, &redis, clock).await,
            None => Ok(Cache::in_process(prefix, clock)),
        }
    }

    /// Returns where RabbitMQ is.
    pub fn broker(&self) -> scrm_mq::rabbit::RabbitConfig {
        scrm_mq::rabbit::RabbitConfig { url: self.broker.url.clone(), prefix: self.broker.prefix.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Settings, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Settings::load("leads", Some(file.path()))
    }

    const WHOLE: &str = r#"
        [distributed]
        database.url = "postgres://scrm:hush@127.0.0.1:5432/scrm_{service}"
        broker.url = "amqp://scrm:hush@127.0.0.1:5672/%2f"
        ingest.url = "http://127.0.0.1:8091"
        keys.installation = "keys/installation.keys"
        [leads]
        http.listen = "127.0.0.1:8092"
    "#;

    #[test]
    fn every_service_has_a_database_of_its_own_at_the_shared_address() {
        let settings = settings(WHOLE).unwrap();
        let Database::Postgres { url, connections } = settings.database("leads") else {
            panic!("it is PostgreSQL");
        };
        assert_eq!((url.as_str(), connections), ("postgres://scrm:hush@127.0.0.1:5432/scrm_leads", 16));
        assert_eq!(settings.http.listen.port(), 8092);
    }

    #[test]
    fn a_service_may_send_its_traces_where_others_do_not() {
        let own = format!("{WHOLE}\ntraces.endpoint = \"http://127.0.0.1:4318/v1/traces\"\n");
        let traces = settings(&own).unwrap().traces("leads").unwrap();
        assert_eq!(traces.endpoint, "http://127.0.0.1:4318/v1/traces");
    }

    #[test]
    fn what_is_missing_or_unknown_is_named_and_no_secret_is_printed() {
        let missing = settings(&WHOLE.replace("broker.url", "broker.uri")).unwrap_err().to_string();
        assert!(missing.contains("uri"), "{missing}");
        let port = settings(&WHOLE.replace("127.0.0.1:8092", "nowhere")).unwrap_err().to_string();
        assert!(port.contains("http.listen"), "{port}");
        let printed = format!("{:?}", settings(WHOLE).unwrap());
        assert!(!printed.contains("hush"), "{printed}");
    }
}
