//! The built programs as processes, in the chosen shape.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scrm_db::{Database, Publish as _};
use scrm_kernel::{Clock, CorpId};
use scrm_mq::embedded::Embedded;
use scrm_mq::rabbit::{Rabbit, RabbitConfig};
use scrm_mq::{Topology, Transport as _};
use scrm_process::keys;
use scrm_proto::Envelope;
use scrm_testing::{Shape, TestDatabase, eventually_within, redis_url};
use serde_json::Value;
use tempfile::TempDir;

use crate::tokens::Tokens;

/// Every service, in the order in which they are started.
pub const SERVICES: [&str; 4] = ["ingest", "directory", "leads", "customers"];
/// How long processes may take to start, several installations beside each other: each declares all its queues.
const START_PATIENCE: Duration = Duration::from_mins(2);
/// How long RabbitMQ may take to say what is there.
const RABBIT_PATIENCE: Duration = Duration::from_mins(1);
/// Below the ports that the system gives to clients, so that nobody takes one while its process is dead.
const FIRST_PORT: u16 = 18_000;
/// How many processes of tests may look for ports side by side.
const PORTS: u16 = 12_000;

/// An installation of its own: folder, addresses, and in the distributed shape databases and queues.
pub struct Installation {
    folder: TempDir,
    programs: PathBuf,
    processes: Vec<Process>,
    databases: Vec<TestDatabase>,
    place: Place,
    /// What the processes log, as JSON; ordinary lines about what matters if that is not said.
    json_log: Option<&'static str>,
}

/// Where an installation of the distributed shape has its databases and queues.
enum Place {
    /// On the servers of all tests; names of queues begin with this.
    Shared(String),
    /// On servers of its own.
    Own(Surroundings),
}

/// How an installation reaches servers that nobody else uses.
pub struct Surroundings {
    /// PostgreSQL, with `{service}` for the name of the service.
    pub database: String,
    /// RabbitMQ.
    pub broker: String,
    /// Redis.
    pub cache: String,
}

/// One program, running or dead.
struct Process {
    /// The service, or `scrm` for all of them.
    name: &'static str,
    address: SocketAddr,
    child: Option<Child>,
}

impl Installation {
    /// Makes an installation and starts nothing yet; `programs` is the folder with the built programs.
    pub async fn new(programs: &Path) -> Self {
        let new = Self::empty(programs).await;
        new.migrate();
        new
    }

    /// Makes an installation that is nothing but configuration and keys: its processes find no tables and no queues.
    pub async fn empty(programs: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the installation can be made");
        let prefix = format!("{}.", folder.path().file_name().expect("it has a name").display());
        Self::at(programs, folder, Place::Shared(prefix)).await
    }

    /// Makes an installation on servers of its own, and starts nothing yet.
    pub async fn on(programs: &Path, servers: Surroundings) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the installation can be made");
        let new = Self::at(programs, folder, Place::Own(servers)).await;
        new.migrate();
        new
    }

    async fn at(programs: &Path, folder: TempDir, place: Place) -> Self {
        let process = |name| Process { name, address: free_address(), child: None };
        let processes = match Shape::chosen() {
            Shape::Embedded => vec![process("scrm")],
            Shape::Distributed => SERVICES.map(process).into(),
        };
        let programs = programs.to_owned();
        let mut new = Self { folder, programs, processes, databases: Vec::new(), place, json_log: None };
        if Shape::chosen() == Shape::Distributed {
            new.configure().await;
        }
        new
    }

    /// Lets its processes log what passes `filter`, as JSON.
    #[must_use]
    pub fn logging_as_json(mut self, filter: &'static str) -> Self {
        self.json_log = Some(filter);
        self
    }

    /// Writes what the services read.
    async fn configure(&mut self) {
        let keys = self.folder.path().join("keys");
        keys::make_installation(&keys.join("installation.keys")).expect("keys can be made");
        let folder = self.folder.path().display().to_string();
        let ingest = self.address_of("ingest");
        let (broker, cache, prefix) = match &self.place {
            Place::Shared(prefix) => (rabbit_url(), redis_url(), prefix.as_str()),
            Place::Own(servers) => (servers.broker.clone(), servers.cache.clone(), ""),
        };
        let mut text = format!(
            "[distributed]\nkeys.installation = \"{folder}/keys/installation.keys\"\n\
             ingest.url = \"http://{ingest}\"\nbroker.url = \"{broker}\"\nbroker.prefix = \"{prefix}\"\n\
             cache.url = \"{cache}\"\ncache.prefix = \"{prefix}\"\ndatabase.connections = 6\n\
             [media]\nurl = \"file://{folder}/media\"\n",
        );
        for process in &self.processes {
            let url = match &self.place {
                Place::Shared(_) => {
                    let database = TestDatabase::new(process.name).await;
                    let Database::Postgres { url, .. } = database.database().clone() else {
                        panic!("the distributed shape is on PostgreSQL");
                    };
                    self.databases.push(database);
                    url
                }
                Place::Own(servers) => servers.database.clone(),
            };
            let Process { name, address, .. } = process;
            writeln!(text, "[{name}]\nhttp.listen = \"{address}\"\ndatabase.url = \"{url}\"")
                .expect("a text takes everything");
        }
        std::fs::write(self.folder.path().join("scrm.toml"), text).expect("the folder is writable");
    }

    /// Brings up the tables and queues of processes of their own; one process does it for itself.
    fn migrate(&self) {
        if Shape::chosen() == Shape::Embedded {
            return;
        }
        let status = self.command("scrm").arg("migrate").arg("--data").arg(self.folder.path()).status();
        assert!(status.expect("it starts").success(), "the tables and queues can be made");
    }

    /// Starts every process that does not run, dying at `crash_at` if that is given; returns when all are ready or one
    /// has died.
    pub async fn start(&mut self, crash_at: Option<&str>) {
        let variable = crash_at.map(|point| ("SCRM_CRASH_AT", point));
        self.start_with(variable.as_slice()).await;
    }

    /// Starts every process that does not run, with more variables in its environment; returns when all are ready or
    /// one has died.
    pub async fn start_with(&mut self, variables: &[(&str, &str)]) {
        self.launch(None, variables);
        self.ready().await;
    }

    /// Starts one process, unless it runs; returns when it is ready.
    pub async fn start_one(&mut self, name: &str) {
        self.launch(Some(name), &[]);
        self.ready().await;
        assert!(!self.died(), "{name} died, or one before it: {}", self.log());
    }

    /// Waits until every process that was started is ready, or one has died.
    async fn ready(&mut self) {
        let http = reqwest::Client::builder().no_proxy().build().expect("a plain client can be made");
        let started = self.processes.iter().filter(|process| process.child.is_some());
        let ready: Vec<String> =
            started.map(|process| format!("http://{}/readyz", process.address)).collect();
        eventually_within(START_PATIENCE, "every process is ready, or one is dead", async || {
            if self.died() {
                return Some(());
            }
            for url in &ready {
                let answer = http.get(url).timeout(Duration::from_secs(1)).send().await.ok()?;
                answer.error_for_status().ok()?;
            }
            Some(())
        })
        .await;
    }

    /// Starts one process, or all of them, unless it runs, with more variables in its environment; it may not be ready
    /// for a while.
    pub fn launch(&mut self, name: Option<&str>, variables: &[(&str, &str)]) {
        for index in 0..self.processes.len() {
            let process = &self.processes[index];
            if process.child.is_none() && name.is_none_or(|name| name == process.name) {
                let mut command = self.command_of(process);
                command.envs(variables.iter().copied());
                self.processes[index].child = Some(command.spawn().expect("it starts"));
            }
        }
    }

    /// Returns the names of all processes.
    pub fn names(&self) -> Vec<&'static str> {
        self.processes.iter().map(|process| process.name).collect()
    }

    /// Returns the folder with its data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns where a service answers.
    pub fn address_of(&self, service: &str) -> SocketAddr {
        let of = |name: &str| self.processes.iter().find(|process| process.name == name);
        of(service).or_else(|| of("scrm")).expect("it is a service").address
    }

    /// Reports whether a process has ended by itself.
    pub fn died(&mut self) -> bool {
        let mut children = self.processes.iter_mut().filter_map(|process| process.child.as_mut());
        children.any(|child| has_ended(child).is_some())
    }

    /// Ends one process, or all of them, like a failure of power of the machine they are on.
    pub fn kill(&mut self, name: Option<&str>) {
        for process in
            self.processes.iter_mut().filter(|process| name.is_none_or(|name| name == process.name))
        {
            if let Some(mut child) = process.child.take() {
                child.kill().ok();
                child.wait().expect("a child of ours can be waited for");
            }
        }
    }

    /// Forgets the processes that have ended by themselves, so that they can be started again; returns their names.
    pub fn bury(&mut self) -> Vec<&'static str> {
        let mut buried = Vec::new();
        for process in &mut self.processes {
            if process.child.as_mut().is_some_and(|child| has_ended(child).is_some()) {
                process.child = None;
                buried.push(process.name);
            }
        }
        buried
    }

    /// Returns an administrator's tokens.
    pub fn tokens(&self) -> Tokens {
        let mut command = self.command("scrm");
        command.args(["token", "--role", "admin", "--data"]).arg(self.folder.path());
        Tokens::printed_by(command)
    }

    /// Returns the data folder, which in the distributed shape holds configuration and keys.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `scrm` on the data folder to its end; returns whether it succeeded, and what it printed: lines, and complaints.
    pub fn scrm(&self, arguments: &[&str]) -> (bool, Vec<String>, String) {
        let mut command = Command::new(self.programs.join("scrm"));
        let command = command.args(arguments).arg("--data").arg(self.folder.path());
        let output = command.stdin(Stdio::null()).output().expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let lines = text(&output.stdout).lines().map(str::to_owned).collect();
        (output.status.success(), lines, text(&output.stderr))
    }

    /// Returns where a service keeps its rows.
    pub fn database_of(&self, service: &str) -> Database {
        let at = self.processes.iter().position(|process| process.name == service);
        let own = at.and_then(|at| self.databases.get(at)).map(|database| database.database().clone());
        own.unwrap_or_else(|| Database::File(self.folder.path().join(format!("db/{service}.sqlite"))))
    }

    /// Publishes a message past all services. In one process they are ended for it, and started again.
    pub async fn publish(&mut self, message: Envelope) {
        let is_one_process = Shape::chosen() == Shape::Embedded;
        if is_one_process {
            self.kill(None);
        }
        self.tell(message).await;
        if is_one_process {
            self.start(None).await;
        }
    }

    /// Loses all that the broker has, as when its disk breaks; call it when nothing runs.
    pub async fn lose_broker(&self) {
        match Shape::chosen() {
            Shape::Embedded => {
                for file in std::fs::read_dir(self.folder.path().join("db")).expect("it is a folder") {
                    let file = file.expect("it is readable").path();
                    if file.to_string_lossy().contains("queues.sqlite") {
                        std::fs::remove_file(file).expect("it is ours");
                    }
                }
            }
            Shape::Distributed => {
                let rabbit = self.rabbit().await;
                rabbit.delete().await.expect("the queues can be deleted");
                rabbit.close().await.ok();
            }
        }
    }

    /// Connects to RabbitMQ as the services do.
    async fn rabbit(&self) -> Rabbit {
        let topology = Topology::of_all_services();
        Rabbit::connect(self.rabbit_config(), topology).await.expect("RabbitMQ is there")
    }

    fn rabbit_config(&self) -> RabbitConfig {
        let Place::Shared(prefix) = &self.place else { panic!("servers of its own have no prefix") };
        RabbitConfig { url: rabbit_url().into(), prefix: prefix.clone() }
    }

    /// Returns the exchanges and queues of all services that RabbitMQ has not got.
    pub async fn missing_queues(&self) -> Vec<String> {
        let missing =
            Rabbit::missing(self.rabbit_config(), Topology::of_all_services(), RABBIT_PATIENCE).await;
        missing.expect("RabbitMQ is there")
    }

    /// Returns how many messages wait in each queue of RabbitMQ that has any.
    pub async fn waiting(&self) -> BTreeMap<String, u64> {
        let rabbit = self.rabbit().await;
        let states = rabbit.queues().await.expect("RabbitMQ is there");
        rabbit.close().await.expect("a connection closes");
        states.into_iter().map(|state| (state.queue, state.messages)).collect()
    }

    /// Returns the enterprise that every installation begins with.
    pub fn corp(&self) -> CorpId {
        let token = self.tokens().get();
        let claims = token.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims: Value = serde_json::from_slice(&claims.unwrap_or_default()).unwrap_or_default();
        let corp = claims["corp"].as_str().and_then(|corp| corp.parse().ok());
        corp.expect("a token names its enterprise")
    }

    /// Publishes a message as a service would; no process may run.
    pub async fn tell(&self, message: Envelope) {
        let topology = Topology::of_all_services();
        let outcomes = if let (Shape::Distributed, Place::Shared(_)) = (Shape::chosen(), &self.place) {
            let rabbit = self.rabbit().await;
            let outcomes = rabbit.publish(vec![message]).await;
            rabbit.close().await.expect("a connection closes");
            outcomes
        } else {
            let file = self.folder.path().join("db").join("queues.sqlite");
            let queues = Embedded::open(&file, topology, Clock::system()).await.expect("the queues open");
            let outcomes = queues.publish(vec![message]).await;
            queues.close().await.expect("the queues close");
            outcomes
        };
        assert_eq!(outcomes, [Ok(())]);
    }

    /// Returns where a service answers, without a slash at the end.
    pub fn url_of(&self, service: &str) -> String {
        format!("http://{}", self.address_of(service))
    }

    /// Returns what the processes have printed, for a test that fails.
    pub fn log(&self) -> String {
        let read = |process: &Process| std::fs::read_to_string(self.log_of(process.name)).unwrap_or_default();
        self.processes.iter().map(read).collect()
    }

    /// Writes what the processes have printed where it stays; returns where.
    pub fn keep_log(&self) -> PathBuf {
        let file = tempfile::Builder::new().prefix("scrm-log-").tempfile();
        let (_, path) = file.and_then(|file| Ok(file.keep()?)).expect("a file for the log can be made");
        std::fs::write(&path, self.log()).expect("it is writable");
        path
    }

    /// Removes everything.
    pub async fn finish(mut self) {
        self.kill(None);
        for database in std::mem::take(&mut self.databases) {
            database.finish().await;
        }
        if let (Shape::Distributed, Place::Shared(_)) = (Shape::chosen(), &self.place) {
            self.lose_broker().await;
        }
    }

    fn command_of(&self, process: &Process) -> Command {
        if process.name == "scrm" {
            let mut command = self.command("scrm");
            command.args(["--log", self.json_log.unwrap_or("info")]);
            command.args(self.json_log.map(|_| "--log-json"));
            command.args(["serve", "--port", &process.address.port().to_string(), "--data"]);
            command.arg(self.folder.path());
            return command;
        }
        let mut command = self.command(&format!("scrm-{}", process.name));
        command.arg("--config").arg(self.folder.path().join("scrm.toml"));
        if let Some(filter) = self.json_log {
            let section = format!("SCRM_{}__LOG", process.name.to_uppercase());
            command.env(format!("{section}__FILTER"), filter).env(format!("{section}__FORMAT"), "json");
        }
        command
    }

    /// Returns a program with its output in a file.
    fn command(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        assert!(path.exists(), "{} is not built: cargo build --workspace", path.display());
        let log =
            File::options().create(true).append(true).open(self.log_of(program.trim_start_matches("scrm-")));
        let mut command = Command::new(path);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.expect("the folder is writable"));
        command
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.kill(None);
    }
}

fn has_ended(child: &mut Child) -> Option<ExitStatus> {
    child.try_wait().expect("a child of ours can be asked")
}

fn rabbit_url() -> String {
    scrm_config::variable("SCRM_TEST_AMQP_URL").expect("tests/services.sh says where RabbitMQ is")
}

/// Returns an address that nobody listens on. It stays the same when a process is started again.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = u16::try_from(std::process::id() % u32::from(PORTS / 40)).expect("it is below 300") * 40;
    loop {
        let port = FIRST_PORT + (own + NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
