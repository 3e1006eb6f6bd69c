//! PostgreSQL and RabbitMQ for one benchmark, syncing as in production, and the services on them as processes.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use reqwest::Client;
use serde::Deserialize;
use tempfile::TempDir;

use crate::cores::{Core, Cores};
use crate::ours::Api;
use crate::place::Place;
use crate::program::{Program, free_address};

/// Every service that runs, in the order in which they are started.
const SERVICES: [&str; 4] = ["ingest", "directory", "leads", "customers"];

/// The servers; they are stopped and removed when this is dropped.
pub struct Servers {
    folder: PathBuf,
    /// What the script says of where they are.
    env: String,
}

impl Servers {
    /// Starts them on any core, with nothing in them.
    pub fn start(place: &Place, cores: &Cores) -> anyhow::Result<Self> {
        let folder = place.home().join("servers");
        if folder.join("ports").exists() {
            script(&folder, &["clean"])?; // left by a run that was killed
        }
        cores.pin(Core::Any)?;
        let started = script(&folder, &["up", "postgres", "rabbitmq"]);
        cores.pin(Core::Load)?;
        let mut servers = Self { folder, env: String::new() }; // from here on they are stopped whatever happens
        started?;
        servers.env = script(&servers.folder, &["env"])?;
        Ok(servers)
    }

    fn url(&self, variable: &str) -> anyhow::Result<&str> {
        let begin = format!("export {variable}=");
        self.env.lines().find_map(|line| line.strip_prefix(&begin)).context("the script names all servers")
    }

    /// Returns a database by its name.
    pub fn postgres(&self, name: &str) -> anyhow::Result<String> {
        let url = self.url("SCRM_TEST_POSTGRES_URL")?;
        let (server, _) = url.rsplit_once('/').context("a database URL names a database")?;
        Ok(format!("{server}/{name}"))
    }

    /// Returns where RabbitMQ is.
    pub fn amqp(&self) -> anyhow::Result<&str> {
        self.url("SCRM_TEST_AMQP_URL")
    }

    /// Returns the names of the queues that consumers read, without those in which messages wait or rest.
    pub async fn queues(&self, http: &Client) -> anyhow::Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Queue {
            name: String,
        }
        let url = self.url("SCRM_TEST_RABBITMQ_MANAGEMENT_URL")?;
        let answer = http.get(format!("{url}/api/queues?columns=name")).send().await?.error_for_status()?;
        let queues = answer.json::<Vec<Queue>>().await?.into_iter().map(|queue| queue.name);
        let is_read =
            |name: &String| ![".dead", ".retry.", "unrouted"].iter().any(|part| name.contains(part));
        Ok(queues.filter(is_read).collect())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        if let Err(error) = script(&self.folder, &["clean"]) {
            eprintln!("scrm-bench: {error:#}");
        }
    }
}

/// Runs tests/services.sh; returns what it prints.
fn script(folder: &std::path::Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(Place::checkout().join("tests/services.sh"))
        .args(arguments)
        .env("SCRM_SERVICES_DIR", folder)
        .env("SCRM_SERVICES_DURABLE", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("tests/services.sh cannot be started")?;
    ensure!(output.status.success(), "tests/services.sh {} failed", arguments.join(" "));
    String::from_utf8(output.stdout).context("tests/services.sh prints text")
}

/// What lies in the deepest of several queues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Ready, and with no consumer yet.
    pub messages: u32,
    /// Which queue that is; nothing if all are empty.
    pub queue: String,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.messages {
            0 => f.write_str("nothing left"),
            messages => write!(f, "{messages} left in {}", self.queue),
        }
    }
}

/// Asks RabbitMQ how much lies in queues.
pub struct Depth {
    connection: Connection,
    queues: Vec<String>,
}

impl Depth {
    /// Connects, to ask for these queues.
    pub async fn of(amqp: &str, queues: Vec<String>) -> anyhow::Result<Self> {
        let connection = Connection::connect(amqp, ConnectionProperties::default()).await;
        Ok(Self { connection: connection.context("RabbitMQ takes no connection")?, queues })
    }

    /// Returns what lies in the deepest queue.
    pub async fn now(&self) -> anyhow::Result<Left> {
        let channel = self.connection.create_channel().await?;
        let mut deepest = Left::default();
        for queue in &self.queues {
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let declared =
                channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await?;
            if declared.message_count() > deepest.messages {
                deepest = Left { messages: declared.message_count(), queue: queue.clone() };
            }
        }
        channel.close(200, "goodbye".into()).await?;
        Ok(deepest)
    }
}

/// The services as processes, on the measured core.
pub struct Services {
    /// Where callbacks go.
    pub ingest: SocketAddr,
    /// What they answer.
    pub api: Api,
    programs: Vec<Program>,
    _folder: TempDir,
}

impl Services {
    /// Starts them on databases whose names begin with `name`; returns when all are ready.
    pub async fn start(
        place: &Place,
        cores: &Cores,
        http: &Client,
        servers: &Servers,
        name: &str,
    ) -> anyhow::Result<Self> {
        let folder = place.empty_folder()?;
        let addresses = SERVICES.map(|_| free_address()).into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let text = settings(&folder, servers, name, &addresses)?;
        let file = folder.path().join("scrm.toml");
        std::fs::write(&file, text).context("the folder is writable")?;
        let migrated = place.program("scrm")?.arg("migrate").arg("--data").arg(folder.path()).status()?;
        ensure!(migrated.success(), "scrm migrate failed");
        let mut programs = Vec::new();
        for service in SERVICES {
            let mut command = place.program(&format!("scrm-{service}"))?;
            command.arg("--config").arg(&file).env("SCRM_DISTRIBUTED__LOG__FILTER", "warn");
            programs.push(Program::start(service, &mut command, cores, Core::Server, folder.path())?);
        }
        for (program, address) in programs.iter_mut().zip(&addresses) {
            program.ready(http, &format!("http://{address}/readyz")).await?;
        }
        let api = Api::of(place, folder.path(), http.clone(), addresses[0], addresses[2])?;
        Ok(Self { ingest: addresses[0], api, programs, _folder: folder })
    }

    /// Ends them.
    pub async fn finish(self) -> anyhow::Result<()> {
        for program in self.programs {
            program.stop().await?;
        }
        Ok(())
    }
}

fn settings(
    folder: &TempDir,
    servers: &Servers,
    name: &str,
    addresses: &[SocketAddr],
) -> anyhow::Result<String> {
    let home = folder.path().display();
    let mut text = format!(
        "[distributed]\nkeys.installation = \"{home}/installation.keys\"\n\
         ingest.url = \"http://{}\"\nbroker.url = \"{}\"\nbroker.prefix = \"{name}.\"\ndatabase.url = \"{}\"\n\
         log.filter = \"warn\"\n[media]\nurl = \"file://{home}/media\"\n",
        addresses[0],
        servers.amqp()?,
        servers.postgres(&format!("{name}_{{service}}"))?,
    );
    for (service, address) in SERVICES.iter().zip(addresses) {
        writeln!(text, "[{service}]\nhttp.listen = \"{address}\"").context("a text takes everything")?;
    }
    Ok(text)
}
