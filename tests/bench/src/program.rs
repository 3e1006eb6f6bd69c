//! Programs under test as processes: on a core, with their output in a file, ended with us.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::cores::{Core, Cores};

/// How long a program may take to become ready.
const START_PATIENCE: Duration = Duration::from_mins(2);
/// How long it may take to end when it is asked to.
const END_PATIENCE: Duration = Duration::from_secs(40);
/// How often to look.
const INTERVAL: Duration = Duration::from_millis(5);
/// Bytes of a log that are shown when something fails.
const SHOWN: usize = 2000;

/// A running program. It is killed when this is dropped.
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts a command on a core; what it prints goes to `{folder}/{name}.log`.
    pub fn start(
        name: &str,
        command: &mut Command,
        cores: &Cores,
        core: Core,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log).context("cannot write a log")?;
        let errors = output.try_clone().context("cannot write a log")?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        cores.pin(core)?;
        let child = command.spawn();
        cores.pin(Core::Load)?;
        let child =
            child.with_context(|| format!("{} cannot be started", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns what it printed so far.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until `look` finds something; an error with the end of its log when it dies or takes too long.
    pub async fn until<T>(&mut self, mut look: impl AsyncFnMut(&str) -> Option<T>) -> anyhow::Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(&self.printed()).await {
                return Ok(found);
            }
            let ended = self.child.try_wait().context("cannot look after a program")?;
            if ended.is_some() || begun.elapsed() > START_PATIENCE {
                let text = self.printed();
                let from = text.floor_char_boundary(text.len().saturating_sub(SHOWN));
                bail!("{} does not become ready; the end of its log:\n{}", self.name, &text[from..]);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Waits until an address answers a GET with success.
    pub async fn ready(&mut self, http: &reqwest::Client, url: &str) -> anyhow::Result<()> {
        self.until(async |_| http.get(url).send().await.ok()?.error_for_status().ok().map(drop)).await
    }

    /// Ends it politely, and waits for that.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).context("a process has an id")?;
        kill_process(pid, Signal::TERM).with_context(|| format!("{} cannot be ended", self.name))?;
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begun.elapsed() > END_PATIENCE {
                bail!("{} does not end", self.name);
            }
            tokio::time::sleep(INTERVAL).await;
        }
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Returns an address on this machine on which nobody listens now.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("there is no free port")?;
    Ok(listener.local_addr()?)
}
