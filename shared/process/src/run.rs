//! One service as a process of its own, in the distributed shape.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};
use scrm_http::{BETWEEN_SERVICES, Readiness, Tokens, serve};
use scrm_kernel::{Clock, Lifecycle};
use scrm_media::MediaStore;
use scrm_mq::rabbit::Rabbit;
use scrm_mq::{Broker, Topology};
use scrm_wecom::client::Client;
use scrm_wecom::client::http::Patience;
use scrm_wecom::client::token::{CachedTokens, RemoteTokens};

use crate::deferred::Deferred;
use crate::ending::Ending;
use crate::keys;
use crate::service::{Service, Setup};
use crate::settings::Settings;

/// How long a process that starts waits for its database and broker.
const START_PATIENCE: Duration = Duration::from_mins(2);
/// How often it tries.
const START_PAUSE: Duration = Duration::from_millis(500);

/// A service of Hongyan (鸿雁), on PostgreSQL and RabbitMQ.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file; the environment can replace it.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run until asked to stop; what happens without a command.
    Serve,
    /// Bring the tables up to date and declare every queue, then end.
    Migrate,
}

/// The `main` of a service's binary.
pub fn main<S: Service>() -> ExitCode {
    crate::use_small_pages();
    let arguments = Arguments::parse();
    let outcome = crate::runtime()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(run::<S>(arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scrm-{}: {error:#}", S::NAME);
            ExitCode::FAILURE
        }
    }
}

async fn run<S: Service>(arguments: Arguments) -> anyhow::Result<()> {
    let file = arguments.config.as_deref();
    let settings = Settings::load(S::NAME, file)?;
    S::check_section(file)?;
    let traces = settings.traces(S::NAME);
    let exporter = scrm_telemetry::start(settings.log.format(), &settings.log.filter, traces.as_ref())?;
    arm_crash()?;
    let outcome = match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve_until_stopped::<S>(&settings, file).await,
        Command::Migrate => migrate::<S>(&settings).await,
    };
    if let Some(exporter) = exporter {
        exporter.finish();
    }
    outcome
}

async fn migrate<S: Service>(settings: &Settings) -> anyhow::Result<()> {
    let database = settings.database(S::NAME);
    patiently("its database", || async { Ok(database.make_if_missing().await?) }).await?;
    S::migrate(&database, Clock::system()).await?;
    connect(settings).await?.close().await?;
    Ok(())
}

/// Connects to the broker, which declares every queue of every service.
async fn connect(settings: &Settings) -> anyhow::Result<Rabbit> {
    let connecting = || async { Ok(Rabbit::connect(settings.broker(), Topology::of_all_services()).await?) };
    patiently("the broker", connecting).await
}

async fn serve_until_stopped<S: Service>(settings: &Settings, file: Option<&Path>) -> anyhow::Result<()> {
    let mut ending = Ending::listen().context("cannot listen for signals")?;
    tracing::info!(?settings, "Starting {}", S::NAME);
    let Some(started) = ending.unless_asked(Started::<S>::start(settings, file)).await else {
        // Everything that was begun so far may be repeated.
        tracing::info!("Asked to end while {} was starting", S::NAME);
        return Ok(());
    };
    let started = started?;
    eprintln!("scrm-{} is ready on http://{}", S::NAME, started.address);
    ending.wait(&started.lifecycle).await;
    started.stop().await
}

/// A service that runs.
struct Started<S> {
    address: SocketAddr,
    service: S,
    rabbit: Rabbit,
    lifecycle: Lifecycle,
}

impl<S: Service> Started<S> {
    async fn start(settings: &Settings, file: Option<&Path>) -> anyhow::Result<Self> {
        scrm_telemetry::start_metrics();
        let listen = settings.http.listen;
        let listener = TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let (clock, lifecycle) = (Clock::system(), Lifecycle::new());
        let keys = keys::read_installation(&settings.keys.installation)?;
        let tokens = Tokens::admitting_services(&keys, clock.clone());
        let wecom_http = scrm_wecom::client::http::client(&Patience::default())?;
        let source = Deferred::default();
        let remote = RemoteTokens::new(
            wecom_http.clone(),
            &settings.ingest.url,
            keys.shared_secret(BETWEEN_SERVICES).into(),
        );
        let cached = CachedTokens::new(Arc::new(source.clone()), clock.clone());
        let cache = settings.open_cache(clock.clone()).await?;
        let wecom = Client::new(wecom_http, Arc::new(cached), settings.wecom.clone(), cache, clock.clone());
        let media = MediaStore::open(&scrm_media::Settings::load(file)?, None)?;
        let database = settings.database(S::NAME);

        patiently("its database", || async { Ok(database.make_if_missing().await?) }).await?;
        let rabbit = connect(settings).await?;
        let broker = Broker::new(rabbit.clone());
        let setup = Setup {
            database,
            broker: broker.clone(),
            keys,
            tokens: tokens.clone(),
            wecom,
            media,
            clock: clock.clone(),
            lifecycle: lifecycle.clone(),
            file: file.map(Path::to_owned),
        };
        let service = S::start(setup).await?;
        source.set(service.tokens().unwrap_or_else(|| Arc::new(remote)));
        broker.watch(&clock, &lifecycle);

        let readiness = Readiness::default();
        let routes = vec![service.routes()];
        let workers = settings.http.workers;
        let server = serve(listener, routes, tokens, readiness.clone(), workers, lifecycle.clone());
        lifecycle.spawn("http", server);
        broker.tell_when_subscribed(&lifecycle, move || readiness.set());
        Ok(Self { address, service, rabbit, lifecycle })
    }

    /// Finishes what is begun, then closes database and broker.
    async fn stop(self) -> anyhow::Result<()> {
        self.lifecycle.stop();
        let in_order = self.lifecycle.finish(crate::PATIENCE).await;
        self.service.close().await?;
        self.rabbit.close().await?;
        ensure!(in_order, "a task failed or did not end in time; the log says which");
        Ok(())
    }
}

/// Tries again and again for a while: at a first boot everything starts at once, in any order.
async fn patiently<T>(what: &str, mut attempt: impl AsyncFnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if begun.elapsed() < START_PATIENCE => {
                tracing::warn!(error = %error, "Waiting for {what}");
                tokio::time::sleep(START_PAUSE).await;
            }
            Err(error) => return Err(error.context(format!("{what} cannot be used"))),
        }
    }
}

/// Lets this process die where `SCRM_CRASH_AT` says, and its embedded databases go without syncs if `SCRM_SKIP_SYNCS` is
/// 1, for tests; see [`scrm_kernel::crash`]. Release builds do neither.
pub fn arm_crash() -> anyhow::Result<()> {
    if scrm_config::variable("SCRM_SKIP_SYNCS").as_deref() == Some("1") {
        scrm_kernel::crash::skip_syncs();
    }
    match scrm_config::variable("SCRM_CRASH_AT") {
        Some(point) => Ok(scrm_kernel::crash::arm(&point)?),
        None => Ok(()),
    }
}
