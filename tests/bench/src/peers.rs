//! The peers: installing them, and starting them with their stated settings.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::callback::App;
use crate::floor::Level;
use crate::place::Place;

/// In what a peer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `requirements.txt`, in a virtual environment.
    Python,
    /// `package.json`.
    Node,
}

/// Peers are not installed. Nothing else is wrong.
#[derive(Debug)]
pub struct NotInstalled {
    /// The benchmark that needs them.
    pub benchmark: &'static str,
}

impl fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peers of {0} are not installed: scrm-bench install {0}", self.benchmark)
    }
}

impl std::error::Error for NotInstalled {}

impl Kind {
    /// Returns what says which packages it is made of.
    const fn manifest(self) -> &'static str {
        match self {
            Self::Python => "requirements.txt",
            Self::Node => "package.json",
        }
    }

    fn folder(self, place: &Place) -> PathBuf {
        place.home().join(match self {
            Self::Python => "python",
            Self::Node => "node",
        })
    }

    /// Reports whether exactly these packages are installed: the manifest is copied last.
    pub fn is_installed(self, place: &Place) -> bool {
        let wanted = std::fs::read(Place::peers().join(self.manifest())).ok();
        wanted.is_some() && wanted == std::fs::read(self.mark(place)).ok()
    }

    fn mark(self, place: &Place) -> PathBuf {
        self.folder(place).join("installed")
    }

    /// Installs the packages, unless they are.
    pub fn install(self, place: &Place) -> anyhow::Result<()> {
        if self.is_installed(place) {
            return Ok(());
        }
        install_packages("clients")?;
        let folder = self.folder(place);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let manifest = Place::peers().join(self.manifest());
        match self {
            Self::Python => {
                run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
                let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
                run(Command::new(folder.join("bin/python")).args(pip).arg(&manifest))?;
            }
            Self::Node => {
                std::fs::copy(&manifest, folder.join("package.json")).context("cannot copy package.json")?;
                // Modules are looked for beside the program that imports them.
                copy(&Place::peers().join("callbacks.mjs"), &folder)?;
                let npm = ["install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel", "error"];
                run(Command::new("npm").args(npm).arg("--prefix").arg(&folder))?;
            }
        }
        std::fs::copy(&manifest, self.mark(place)).context("cannot note what is installed")?;
        Ok(())
    }
}

/// Installs a group of the system's packages, unless they are there.
pub fn install_packages(group: &str) -> anyhow::Result<()> {
    run(Command::new(Place::checkout().join("tests/install.sh")).arg(group))
}

fn copy(file: &Path, folder: &Path) -> anyhow::Result<()> {
    let name = file.file_name().context("a file has a name")?;
    std::fs::copy(file, folder.join(name)).with_context(|| format!("cannot copy {}", file.display()))?;
    Ok(())
}

/// Runs a command to its end, with its output where people see it and programs do not read it.
fn run(command: &mut Command) -> anyhow::Result<()> {
    eprintln!("scrm-bench: {} …", command.get_program().display());
    let status = command.stdin(Stdio::null()).stdout(std::io::stderr()).status();
    let status = status.with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    ensure!(status.success(), "{} failed", command.get_program().display());
    Ok(())
}

/// Returns the Python of the peers, in the folder with their programs.
fn python(place: &Place) -> Command {
    let mut command = Command::new(Kind::Python.folder(place).join("bin/python"));
    command.current_dir(Place::peers()).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Returns FastAPI with wechatpy, durable: uvicorn with uvloop and httptools, one worker, no access log.
pub fn fastapi(place: &Place, app: &App, address: SocketAddr, database: &Path) -> Command {
    let mut command = python(place);
    command.args([
        "-m",
        "uvicorn",
        "callbacks:app",
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--workers",
        "1",
    ]);
    command.args(["--no-access-log", "--log-level", "warning", "--host", "127.0.0.1"]);
    command.args(["--port", &address.port().to_string()]).env("DATABASE", database);
    with_secrets(&mut command, app);
    command
}

/// Returns Fastify with @wecom/crypto, not durable: its logger is off.
pub fn fastify(place: &Place, app: &App, address: SocketAddr) -> anyhow::Result<Command> {
    let folder = Kind::Node.folder(place);
    copy(&Place::peers().join("callbacks.mjs"), &folder)?; // as it is now, not as it was installed
    let mut command = Command::new("node");
    command.arg(folder.join("callbacks.mjs")).env("PORT", address.port().to_string());
    command.env("NODE_ENV", "production");
    with_secrets(&mut command, app);
    Ok(command)
}

/// Returns the worker with pika and psycopg; `what` is `prepare`, `run` or `report`.
pub fn worker(place: &Place, what: &str, postgres: &str, amqp: &str) -> Command {
    let mut command = python(place);
    command.args(["worker.py", what]).env("POSTGRES_URL", postgres).env("AMQP_URL", amqp);
    command
}

/// Returns the server that does no more than a level says.
pub fn floor(
    place: &Place,
    level: Level,
    app: &App,
    address: SocketAddr,
    folder: &Path,
) -> anyhow::Result<Command> {
    let mut command = place.program("scrm-bench")?;
    command.args(["floor", "--level", level.name(), "--port", &address.port().to_string()]);
    command.arg("--folder").arg(folder);
    with_secrets(&mut command, app);
    Ok(command)
}

fn with_secrets(command: &mut Command, app: &App) {
    command.env("CORP", &app.corp_id).env("TOKEN", &app.token).env("AES_KEY", &app.encoding_aes_key);
}
