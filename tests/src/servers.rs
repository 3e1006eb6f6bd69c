//! PostgreSQL, RabbitMQ and Redis of one test alone, so that it may kill them: started by `tests/services.sh`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

/// The script that knows how to start them.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/services.sh");

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// PostgreSQL, syncing as in production.
    Postgres,
    /// RabbitMQ.
    Rabbit,
    /// Redis.
    Redis,
}

impl Server {
    const ALL: [Self; 3] = [Self::Postgres, Self::Rabbit, Self::Redis];

    /// Returns its name in the script.
    const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Rabbit => "rabbitmq",
            Self::Redis => "redis",
        }
    }

    /// Returns the variable in which the script says where it is.
    const fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "SCRM_TEST_POSTGRES_URL",
            Self::Rabbit => "SCRM_TEST_AMQP_URL",
            Self::Redis => "SCRM_TEST_REDIS_URL",
        }
    }
}

/// The servers of one test.
pub struct Servers {
    folder: TempDir,
    /// What the script says of where they are.
    env: String,
}

impl Servers {
    /// Starts them, in a folder of their own.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for servers can be made");
        run(&dir(&folder), "up", &Server::ALL).await;
        let env = run(&dir(&folder), "env", &[]).await;
        Self { folder, env }
    }

    /// Returns the address of a server as a URL, with user and password.
    pub fn url(&self, server: Server) -> &str {
        let begin = format!("export {}=", server.variable());
        self.env.lines().find_map(|line| line.strip_prefix(&begin)).expect("the script names all servers")
    }

    /// Returns where a server listens.
    pub fn address(&self, server: Server) -> SocketAddr {
        let (_, place) = self.url(server).rsplit_once('@').expect("there is a password");
        let place = place.split('/').next().unwrap_or_default();
        place.parse().expect("it is on this machine")
    }

    /// Ends a server as by a failure of power.
    pub async fn kill(&self, server: Server) {
        let file = dir(&self.folder).join(format!("{}.pid", server.name()));
        let text = std::fs::read_to_string(file).expect("a server that was started has a pid file");
        let pid = text.split_whitespace().next().expect("it holds the pid").to_owned();
        let status = Command::new("kill").args(["-s", "KILL", &pid]).status().await;
        assert!(status.expect("there is kill").success(), "{} ran", server.name());
    }

    /// Starts a server that was killed; returns when it answers.
    pub async fn revive(&self, server: Server) {
        run(&dir(&self.folder), "up", &[server]).await;
    }

    /// Makes Redis forget everything.
    pub async fn flush_redis(&self) {
        assert_eq!(self.tell_redis("FLUSHALL").await, "+OK\r\n+OK\r\n+OK\r\n");
    }

    /// Returns how often Redis was asked to count a call to WeCom, since it was last started.
    pub async fn counted_in_redis(&self) -> usize {
        let statistics = self.tell_redis("INFO commandstats").await;
        let line = statistics.lines().find_map(|line| line.strip_prefix("cmdstat_eval:calls="));
        let count = line.and_then(|line| line.split(',').next()).map(str::parse);
        count.map_or(0, |count| count.expect("calls are counted in digits"))
    }

    /// Has Redis do something; returns its answers, also those to the words before and after.
    async fn tell_redis(&self, order: &str) -> String {
        let url = self.url(Server::Redis).strip_prefix("redis://default:").expect("it is the default user");
        let (password, _) = url.split_once('@').expect("there is a password");
        let mut redis = TcpStream::connect(self.address(Server::Redis)).await.expect("Redis answers");
        let orders = format!("AUTH {password}\r\n{order}\r\nQUIT\r\n");
        redis.write_all(orders.as_bytes()).await.expect("Redis listens");
        let mut answers = String::new();
        redis.read_to_string(&mut answers).await.expect("Redis answers");
        answers
    }

    /// Stops them and removes what they had.
    pub async fn finish(self) {
        run(&dir(&self.folder), "clean", &[]).await;
    }
}

/// The script makes the folder itself.
fn dir(folder: &TempDir) -> PathBuf {
    folder.path().join("servers")
}

/// Runs the script; returns what it prints.
async fn run(dir: &Path, command: &str, servers: &[Server]) -> String {
    let names = servers.iter().map(|server| server.name());
    let output = Command::new(SCRIPT)
        .arg(command)
        .args(names)
        .env("SCRM_SERVICES_DIR", dir)
        .env("SCRM_SERVICES_DURABLE", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .expect("tests/services.sh can be started");
    assert!(output.status.success(), "tests/services.sh {command} fails");
    String::from_utf8(output.stdout).expect("the script prints text")
}
