//! Running all services in this process.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use scrm_cache::Cache;
use scrm_customers::Customers;
use scrm_directory::Directory;
use scrm_http::{Readiness, Routes, Tokens, serve};
use scrm_ingest::Ingest;
use scrm_kernel::{Clock, Lifecycle};
use scrm_leads::Leads;
use scrm_media::MediaStore;
use scrm_mq::{Broker, Topology, embedded::Embedded};
use scrm_process::{Deferred, Ending, Service as _, Setup, keys};
use scrm_wecom::client::http::Patience;
use scrm_wecom::client::token::CachedTokens;
use scrm_wecom::client::{Client, Limits};

use crate::folder::{Folder, Lock};
use crate::installation::{Installation, wrong_sections};
use crate::setup_code;

/// Threads that answer requests.
const WORKERS: usize = 2;

/// All services, running.
pub struct Running {
    /// Where they answer.
    pub address: SocketAddr,
    ingest: Ingest,
    directory: Directory,
    leads: Leads,
    customers: Customers,
    queues: Embedded,
    lifecycle: Lifecycle,
    _lock: Lock,
}

impl Running {
    /// Starts all services on a data folder, which is made if missing. `address` is where they listen.
    pub async fn start(data: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let folder = Installation::of(Folder::make(data)?).expect_embedded(data)?;
        if let Some(wrong) = wrong_sections(folder.configuration().as_deref()).into_iter().next() {
            return Err(wrong.into());
        }
        let lock = folder.lock()?;
        let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;

        scrm_telemetry::start_metrics();
        let clock = Clock::system();
        let lifecycle = Lifecycle::new();
        let keys = keys::make_installation(&folder.installation_keys())?;
        let tokens = Tokens::new(&keys, clock.clone());

        let queues = Embedded::open(&folder.queues(), Topology::of_all_services(), clock.clone()).await?;
        let broker = Broker::new(queues.clone());
        let limits: Limits = scrm_config::load(scrm_config::WECOM, "", folder.configuration().as_deref())?;
        // Services start side by side; ingest gives tokens as soon as it runs.
        let source = Deferred::default();
        let wecom = Client::new(
            scrm_wecom::client::http::client(&Patience::default())?,
            Arc::new(CachedTokens::new(Arc::new(source.clone()), clock.clone())),
            limits,
            Cache::in_process("", clock.clone()),
            clock.clone(),
        );
        let media = scrm_media::Settings::load(folder.configuration().as_deref())?;
        let media = MediaStore::open(&media, Some(&folder.media()))?;
        let setup = |service: &str| Setup {
            database: folder.database(service),
            broker: broker.clone(),
            keys: keys.clone(),
            tokens: tokens.clone(),
            wecom: wecom.clone(),
            media: media.clone(),
            clock: clock.clone(),
            lifecycle: lifecycle.clone(),
            file: folder.configuration(),
        };
        let (ingest, directory, leads, customers) = tokio::try_join!(
            Ingest::start(setup(Ingest::NAME)),
            Directory::start(setup(Directory::NAME)),
            Leads::start(setup(Leads::NAME)),
            Customers::start(setup(Customers::NAME)),
        )?;
        source.set(ingest.app());
        queues.sweep(&lifecycle);
        broker.watch(&clock, &lifecycle);

        let readiness = Readiness::default();
        let services: Vec<Routes> =
            vec![ingest.routes(), directory.routes(), leads.routes(), customers.routes()];
        let server = serve(listener, services, tokens, readiness.clone(), WORKERS, lifecycle.clone());
        lifecycle.spawn("http", server);
        lock.announce(address)?;
        broker.tell_when_subscribed(&lifecycle, move || readiness.set());
        Ok(Self { address, ingest, directory, leads, customers, queues, lifecycle, _lock: lock })
    }

    /// Returns the process's tasks and their end.
    pub const fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Finishes what is begun, then closes every database.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.lifecycle.stop();
        let in_order = self.lifecycle.finish(scrm_process::PATIENCE).await;
        self.ingest.close().await?;
        self.directory.close().await?;
        self.leads.close().await?;
        self.customers.close().await?;
        self.queues.close().await?;
        ensure!(in_order, "a task failed or did not end in time; the log says which");
        Ok(())
    }
}

/// Runs all services until the process is asked to stop.
pub async fn run(data: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let mut ending = Ending::listen().context("cannot listen for signals")?;
    let Some(running) = Box::pin(ending.unless_asked(Running::start(data, address))).await else {
        // Everything that was begun so far may be repeated.
        tracing::info!("Asked to end while the services were starting");
        return Ok(());
    };
    let running = running?;
    eprintln!("Hongyan is ready on http://{}", running.address);
    let folder = Folder::existing(data)?;
    if let Some(code) = setup_code::offer(&folder, &running.directory).await? {
        let file = folder.setup_code();
        eprintln!("Nobody has set it up: the one-time code is {code} (also in {})", file.display());
    }
    ending.wait(running.lifecycle()).await;
    running.stop().await
}

/// Brings all tables and queues of an installation up to date; a folder that is not there is made.
pub async fn migrate(data: &Path) -> anyhow::Result<()> {
    Installation::of(Folder::make(data)?).migrate().await
}
