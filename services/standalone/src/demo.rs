//! `scrm demo`: a simulated company comes alive, and one watches its leads find their owners.

mod banner;
mod feed;
mod screen;
mod story;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer};
use anyhow::{Context as _, anyhow, ensure};
use scrm_kernel::{Clock, Lifecycle};
use scrm_process::Ending;
use scrm_wecom_sandbox::{ArrivalPlan, Sandbox};

use self::feed::Feed;
use self::watch::Watch;
use crate::folder::Folder;
use crate::installation::Installation;
use crate::serve::Running;
use crate::shown::Shown;
use crate::tally::{Report, Tally};

/// The simulated app that the demo connects.
const APP: &str = "demo";
/// What new customers are told.
const GREETING: &str = "{customer|您}好，我是{staff|您的顾问}，很高兴认识您！有任何需要，随时在这里找我。";
/// What is attached to it.
const PICTURE: &[u8] = include_bytes!("demo/welcome.png");

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the services listen.
    pub address: SocketAddr,
    /// Where the simulated WeCom listens.
    pub sandbox_address: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// Which company.
    pub seed: u64,
    /// Mean arrivals per second.
    pub speed: f64,
    /// Stop after this many leads.
    pub once: Option<u64>,
    /// How the program is called, for the commands that are proposed.
    pub program: PathBuf,
    /// When the process began.
    pub begun: Instant,
}

/// Runs the demo until it is stopped or has seen enough.
pub async fn run(plan: Plan) -> anyhow::Result<()> {
    let installation = Installation::of(Folder::make(&plan.data)?);
    let mut ending = Ending::listen().context("cannot listen for signals")?;
    let lifecycle = Lifecycle::new();
    let (sandbox, sandbox_address) = open_sandbox(&plan, installation.folder(), &lifecycle)?;
    let shown = Shown::start(installation, &plan.data, plan.address).await?;
    connect(&shown, &sandbox, sandbox_address).await?;
    shown.word_greeting(GREETING, PICTURE).await?;
    let mut watch = Watch {
        client: shown.client.clone(),
        url: format!("{}/api/v1/leads/leads", shown.leads),
        pass: shown.pass.clone(),
        begun: Clock::system().now().timestamp_millis(),
        tally: Tally::default(),
    };
    banner::greet(&plan, &shown, &sandbox, sandbox_address);

    let arrivals = Lifecycle::new();
    let mut feed = Feed::new(sandbox.clone());
    sandbox.arrivals(
        ArrivalPlan {
            speed: plan.speed,
            first_at_once: plan.once.is_some() && plan.speed > 0.0,
            limit: plan.once,
            churn: if plan.once.is_some() { 0.0 } else { ArrivalPlan::default().churn },
        },
        &arrivals,
    );

    let services = shown.running.as_ref().map_or(&lifecycle, Running::lifecycle);
    let outcome = match plan.once {
        None => tokio::select! {
            outcome = watch.forever(&mut feed) => outcome.map(|()| None),
            () = ending.wait(services) => Ok(None),
        },
        Some(leads) => tokio::select! {
            report = watch.until(leads, &mut feed, &sandbox, plan.begun) => report.map(Some),
            () = ending.wait(services) => Err(anyhow!("stopped before the end")),
        },
    };
    let is_asked_to_end = plan.once.is_none() && outcome.is_ok();
    if is_asked_to_end {
        banner::wait();
    }
    arrivals.stop();
    arrivals.finish(Duration::from_secs(10)).await;
    if is_asked_to_end && let Err(error) = watch.catch_up(&mut feed, &sandbox).await {
        tracing::warn!(%error, "Cannot read the last leads");
    }
    feed.finish();
    let stopped = shown.stop().await;
    lifecycle.stop();
    lifecycle.finish(Duration::from_secs(10)).await;
    let counted = outcome?;
    let report = counted.unwrap_or_else(|| watch.report(&sandbox, None));
    banner::sum_up(&report, plan.begun.elapsed());
    let concluded = plan.once.map_or(Ok(()), |wanted| conclude(&report, wanted));
    concluded.and(stopped)
}

fn open_sandbox(
    plan: &Plan,
    folder: &Folder,
    lifecycle: &Lifecycle,
) -> anyhow::Result<(Sandbox, SocketAddr)> {
    let sandbox = Sandbox::open(&folder.sandbox(), plan.seed, Clock::system())?;
    let routed = sandbox.clone();
    let server = HttpServer::new(move || App::new().configure(|config| routed.routes(config)))
        .workers(1)
        .disable_signals()
        .bind(plan.sandbox_address)
        .with_context(|| format!("the simulated WeCom cannot listen on {}", plan.sandbox_address))?;
    let address = server.addrs().first().copied().context("the simulated WeCom listens")?;
    let server = server.run();
    let (handle, stopping) = (server.handle(), lifecycle.clone());
    tokio::spawn(async move {
        stopping.stopping().await;
        handle.stop(true).await;
    });
    lifecycle.spawn("sandbox", server);
    Ok((sandbox, address))
}

/// Does what an administrator does in WeCom's console and in ours: copies the secrets, sets the callback address.
async fn connect(shown: &Shown, sandbox: &Sandbox, address: SocketAddr) -> anyhow::Result<()> {
    let app = sandbox.app(APP).context("the simulated WeCom has the app demo")?;
    let url = shown.connect(&app, address).await?;
    let (setting, sandbox) = (url.clone(), sandbox.clone());
    tokio::task::spawn_blocking(move || sandbox.set_callback_url(APP, &setting)).await??;
    tracing::info!(url, "Connected the simulated app");
    Ok(())
}

/// Prints the report as the last line; an error unless all is well, and as many leads came as were wanted.
fn conclude(report: &Report, wanted: u64) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(report)?);
    ensure!(report.lost == 0, "{} acknowledged arrivals have no lead", report.lost);
    ensure!(report.doubled == 0, "{} leads are doubled", report.doubled);
    let ungreeted = report.leads_assigned.saturating_sub(report.welcomes_sent);
    ensure!(ungreeted == 0, "{ungreeted} leads were not greeted");
    let leads = report.leads_assigned as u64;
    ensure!(leads >= wanted, "{leads} of {wanted} leads came: WeCom gave up telling of the others");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Spread;

    #[test]
    fn it_ends_well_only_when_as_many_leads_came_as_were_wanted() {
        let report = |leads| Report {
            callbacks_acknowledged: leads as u64,
            leads_assigned: leads,
            welcomes_sent: leads,
            lost: 0,
            doubled: 0,
            first_lead_ms: None,
            assign_ms: Spread::default(),
            welcome_ms: Spread::default(),
        };
        assert!(conclude(&report(3), 3).is_ok());
        for leads in [0, 2] {
            let error = conclude(&report(leads), 3).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{leads} of 3 leads came")), "{error}");
        }
    }
}
