//! Running all services in this process.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use scrm_http::{Readiness, Routes, Tokens, serve};
use scrm_ingest::Ingest;
use scrm_kernel::{Clock, Lifecycle};
use scrm_leads::Leads;
use scrm_mq::{Broker, Topology, embedded::Embedded};
use tokio::signal::unix::{SignalKind, signal};

use crate::folder::{Folder, Lock};

/// How long begun work may go on after the process is asked to stop.
const PATIENCE: Duration = Duration::from_secs(30);
/// Threads that answer requests.
const WORKERS: usize = 2;

/// All services, running.
pub struct Running {
    /// Where they answer.
    pub address: SocketAddr,
    /// Checks and signs tokens.
    pub tokens: Tokens,
    /// The service ingest.
    pub ingest: Ingest,
    leads: Leads,
    queues: Embedded,
    lifecycle: Lifecycle,
    _lock: Lock,
}

impl Running {
    /// Starts all services on a data folder, which is made if missing. `address` is where they listen.
    pub async fn start(data: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let folder = Folder::make(data)?;
        let lock = folder.lock()?;
        let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;

        scrm_telemetry::start_metrics();
        let clock = Clock::system();
        let lifecycle = Lifecycle::new();
        let keys = folder.installation_keys()?;
        let tokens = Tokens::new(folder.make_token_keys()?, clock.clone());
        let config = scrm_ingest::Config::load(folder.configuration().as_deref())?;

        let queues = Embedded::open(&folder.queues(), Topology::of_all_services(), clock.clone()).await?;
        let broker = Broker::new(queues.clone());
        let (ingest_database, leads_database) = (folder.database("ingest"), folder.database("leads"));
        let (ingest, leads) = tokio::try_join!(
            Ingest::start(config, &ingest_database, keys, clock.clone(), broker.clone(), &lifecycle),
            Leads::start(&leads_database, clock, broker.clone(), &lifecycle),
        )?;
        queues.sweep(&lifecycle);
        broker.watch(&Clock::system(), &lifecycle);

        let readiness = Readiness::default();
        let services: Vec<Routes> = vec![ingest.routes(), leads.routes()];
        let server = serve(listener, services, tokens.clone(), readiness.clone(), WORKERS, lifecycle.clone());
        lifecycle.spawn("http", server);
        readiness.set();
        Ok(Self { address, tokens, ingest, leads, queues, lifecycle, _lock: lock })
    }

    /// Returns the process's tasks and their end.
    pub const fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Finishes what is begun, then closes every database.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.lifecycle.stop();
        let in_order = self.lifecycle.finish(PATIENCE).await;
        self.ingest.close().await?;
        self.leads.close().await?;
        self.queues.close().await?;
        ensure!(in_order, "a task failed or did not end in time; the log says which");
        Ok(())
    }
}

/// Runs all services until the process is asked to stop.
pub async fn run(data: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let running = Running::start(data, address).await?;
    eprintln!("Hongyan is ready on http://{}", running.address);
    wait_for_end(running.lifecycle()).await?;
    running.stop().await
}

/// Resolves on Ctrl-C, on a polite kill, or when a task has failed.
pub(crate) async fn wait_for_end(lifecycle: &Lifecycle) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome?,
        _ = terminate.recv() => {}
        () = lifecycle.stopping() => {}
    }
    Ok(())
}

/// Brings all tables up to date.
pub async fn migrate(data: &Path) -> anyhow::Result<()> {
    let folder = Folder::make(data)?;
    let _lock = folder.lock()?;
    let clock = Clock::system();
    scrm_ingest::migrate(&folder.database("ingest"), clock.clone()).await?;
    scrm_leads::migrate(&folder.database("leads"), clock.clone()).await?;
    Embedded::open(&folder.queues(), Topology::of_all_services(), clock).await?.close().await?;
    Ok(())
}
