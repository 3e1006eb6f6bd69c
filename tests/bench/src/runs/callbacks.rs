//! Callbacks a second on one core: safe before the answer, every one of somebody else.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::Client;
use scrm_kernel::{Clock, Timestamp};

use super::Setting;
use crate::callback::{App, arrivals};
use crate::cores::Core;
use crate::figure::{Figure, Goal, number};
use crate::floor::Level;
use crate::load::{self, Outcome, Pace};
use crate::ours::{Api, Serve, Stored, Wecom, http};
use crate::peers;
use crate::program::{Program, free_address};

/// More than any of the servers takes in a second: the load never runs out of requests.
const MOST_PER_SECOND: u64 = 45_000;
/// The same of one that does next to nothing.
const MOST_OF_FLOOR: u64 = 100_000;
/// How long a backlog may take.
const DRAIN: Duration = Duration::from_secs(30);
/// Seconds that it may take as a goal.
const DRAIN_GOAL: f64 = 30.0;
/// Times that a write is synced, to know the disk.
const SYNCS: usize = 200;
/// Bytes of such a write.
const WRITE: usize = 4096;

/// What rounds of ours found.
#[derive(Default)]
struct Ours {
    rates: Vec<f64>,
    drain_rates: Vec<f64>,
    drain_times: Vec<f64>,
}

/// Against FastAPI, which stores durably too.
pub(super) async fn run(setting: &Setting) -> anyhow::Result<Vec<Figure>> {
    let http = http()?;
    let wecom = Wecom::start(&setting.place, &setting.cores, &http).await?;
    let syncs = sync_times(setting.place.empty_folder()?.path())?;
    let (mut many, mut few) = (Ours::default(), Ours::default());
    let (mut peer_many, mut peer_few) = (Vec::new(), Vec::new());
    for round in 0..setting.choose(3, 5) {
        for (connections, ours, peer) in [(128, &mut many, &mut peer_many), (32, &mut few, &mut peer_few)] {
            ours_once(setting, &http, &wecom, connections, ours).await?;
            let folder = setting.place.empty_folder()?;
            let address = free_address()?;
            let database = folder.path().join("callbacks.sqlite");
            let command = peers::fastapi(&setting.place, &wecom.app, address, &database);
            peer.push(
                peer_once(
                    setting,
                    &http,
                    &wecom.app,
                    Load::of(setting, connections),
                    command,
                    address,
                    folder.path(),
                )
                .await?,
            );
            setting.say(&format!(
                "round {}, {connections} connections: ours {:.0}/s, FastAPI {:.0}/s",
                round + 1,
                ours.rates[ours.rates.len() - 1],
                peer[peer.len() - 1],
            ));
        }
    }
    let name = "fastapi+wechatpy+sqlite-full";
    Ok(vec![
        Figure::of("callbacks", "/s", &many.rates)?.against(name, &peer_many)?.with_goal(Goal::Times(12.0)),
        Figure::of("callbacks-32", "/s", &few.rates)?.against(name, &peer_few)?.with_goal(Goal::Times(7.0)),
        Figure::of("callbacks-drained", "s", &many.drain_times)?.with_goal(Goal::AtMost(DRAIN_GOAL)),
        Figure::of("callbacks-drain-rate", "/s", &many.drain_rates)?,
        Figure::of("callbacks-fdatasync", "us", &syncs)?,
    ])
}

/// Against Fastify, which keeps nothing.
pub(super) async fn run_fast(setting: &Setting) -> anyhow::Result<Vec<Figure>> {
    let http = http()?;
    let wecom = Wecom::start(&setting.place, &setting.cores, &http).await?;
    let (mut ours, mut peer) = (Ours::default(), Vec::new());
    for round in 0..setting.choose(3, 5) {
        ours_once(setting, &http, &wecom, 128, &mut ours).await?;
        let folder = setting.place.empty_folder()?;
        let address = free_address()?;
        let command = peers::fastify(&setting.place, &wecom.app, address)?;
        let load = Load::of(setting, 128);
        peer.push(peer_once(setting, &http, &wecom.app, load, command, address, folder.path()).await?);
        let rates = (ours.rates[ours.rates.len() - 1], peer[peer.len() - 1]);
        setting.say(&format!("round {}: ours {:.0}/s, Fastify {:.0}/s", round + 1, rates.0, rates.1));
    }
    let figure = Figure::of("callbacks-fast", "/s", &ours.rates)?;
    Ok(vec![figure.against("fastify+@wecom/crypto, not durable", &peer)?.with_goal(Goal::Times(2.0))])
}

/// How fast the door could be if it did nothing beside its task.
pub(super) async fn run_floor(setting: &Setting) -> anyhow::Result<Vec<Figure>> {
    let http = http()?;
    let wecom = Wecom::start(&setting.place, &setting.cores, &http).await?;
    let (mut ours, mut rates) = (Ours::default(), [const { Vec::new() }; Level::ALL.len()]);
    for round in 0..setting.choose(3, 5) {
        ours_once(setting, &http, &wecom, 128, &mut ours).await?;
        for (level, rates) in Level::ALL.into_iter().zip(&mut rates) {
            let folder = setting.place.empty_folder()?;
            let address = free_address()?;
            let command = peers::floor(&setting.place, level, &wecom.app, address, folder.path())?;
            let load = Load { connections: 128, millis: setting.choose(1_000, 3_000), most: MOST_OF_FLOOR };
            rates.push(peer_once(setting, &http, &wecom.app, load, command, address, folder.path()).await?);
        }
        let told = rates.each_ref().map(|rates| rates[round]);
        let [read, open, store] = told;
        let rate = ours.rates[round];
        setting.say(&format!(
            "round {}: ours {rate:.0}/s, bare {store:.0}/s, without storing {open:.0}/s, reading only {read:.0}/s",
            round + 1,
        ));
    }
    let [read, open, store] = rates;
    Ok(vec![
        Figure::of("callbacks-floor", "/s", &ours.rates)?
            .against("the same server and disk, bare", &store)?,
        Figure::of("callbacks-floor-open", "/s", &open)?,
        Figure::of("callbacks-floor-read", "/s", &read)?,
    ])
}

/// How a server is loaded.
#[derive(Debug, Clone, Copy)]
struct Load {
    connections: usize,
    millis: u64,
    /// Callbacks a second that are prepared.
    most: u64,
}

impl Load {
    /// Loads a server for the time of a round.
    const fn of(setting: &Setting, connections: usize) -> Self {
        Self { connections, millis: setting.choose(1_500, 10_000), most: MOST_PER_SECOND }
    }
}

/// Sends callbacks to an address.
async fn hammer(app: &App, address: SocketAddr, load: Load) -> anyhow::Result<Outcome> {
    let Load { connections, millis, most } = load;
    let count = usize::try_from(millis * most / 1000)?;
    let requests = Arc::new(arrivals(app, address, "c", count)?);
    let pace = Pace::Flat(Duration::from_millis(millis));
    let outcome = load::run(address, connections, requests, pace, |_| ()).await?;
    outcome.expect_all(200)?;
    ensure!(outcome.answered.len() < count, "the load ran out of callbacks: more are needed a second");
    Ok(outcome)
}

async fn ours_once(
    setting: &Setting,
    http: &Client,
    wecom: &Wecom,
    connections: usize,
    ours: &mut Ours,
) -> anyhow::Result<()> {
    let serve = Serve::start(&setting.place, &setting.cores, http).await?;
    serve.api.connect(wecom).await?;
    let outcome = hammer(&wecom.app, serve.address, Load::of(setting, connections)).await?;
    let ended = Clock::system().now();
    let stored = drained(&serve.api, ended).await?;
    let answered = outcome.answered.len();
    ensure!(stored.len() == answered, "{answered} callbacks were answered, {} are stored", stored.len());
    let left: Vec<Timestamp> =
        stored.iter().filter_map(|one| one.processed_at).filter(|processed| *processed > ended).collect();
    let last = left.iter().max().copied().unwrap_or(ended);
    let seconds = (last - ended).to_std().unwrap_or_default().as_secs_f64();
    ours.rates.push(outcome.rate());
    ours.drain_times.push(seconds);
    if seconds > 0.0 {
        ours.drain_rates.push(number(left.len()) / seconds);
    }
    serve.finish().await
}

/// Waits until every callback is published; returns all of them.
async fn drained(api: &Api, since: Timestamp) -> anyhow::Result<Vec<Stored>> {
    let is_published = |stored: &[Stored]| stored.iter().all(|one| one.processed_at.is_some());
    loop {
        let is_late = (Clock::system().now() - since).to_std().unwrap_or_default() > DRAIN * 2;
        ensure!(!is_late, "the backlog is not drained after {:?}", DRAIN * 2);
        if is_published(&api.newest::<Stored>(&api.callbacks()).await?) {
            let all = api.all::<Stored>(&api.callbacks()).await?;
            if is_published(&all) {
                return Ok(all);
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn peer_once(
    setting: &Setting,
    http: &Client,
    app: &App,
    load: Load,
    mut command: std::process::Command,
    address: SocketAddr,
    folder: &Path,
) -> anyhow::Result<f64> {
    let mut peer = Program::start("peer", &mut command, &setting.cores, Core::Server, folder)?;
    let count = format!("http://{address}/count");
    peer.ready(http, &count).await?;
    let outcome = hammer(app, address, load).await?;
    let kept: usize = http.get(count).send().await?.text().await?.parse().context("a count is a number")?;
    let answered = outcome.answered.len();
    ensure!(kept == answered, "the peer answered {answered} callbacks and has {kept}");
    peer.stop().await?;
    Ok(outcome.rate())
}

/// Returns how many microseconds the disk takes to make a small write safe.
fn sync_times(folder: &Path) -> anyhow::Result<Vec<f64>> {
    let mut file = File::create(folder.join("sync")).context("cannot write to the disk")?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        file.write_all(&[1; WRITE])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(times)
}
