//! From a callback to a lead that can be read with its owner, at a steady rate, in one process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::Client;
use serde_json::json;
use tokio::task::JoinSet;

use super::Setting;
use crate::busy::Usage;
use crate::callback::{arrivals, customer};
use crate::figure::{Figure, Goal, percentile};
use crate::load::{self, Answered, Pace};
use crate::ours::{Api, Serve, Wecom, http};

/// Callbacks a second.
const RATE: f64 = 500.0;
/// And half of that: how long it takes when the core is not nearly full.
const HALF: f64 = RATE / 2.0;
/// Over how many connections.
const CONNECTIONS: usize = 64;
/// One in so many is looked for until it can be read.
const WATCHED: usize = 50;
/// Milliseconds at most, of 99 in 100.
const GOAL: f64 = 30.0;
/// Milliseconds that others promise.
const ADVERTISED: f64 = 3000.0;
/// How often to look for a lead.
const INTERVAL: Duration = Duration::from_millis(5);
/// After this, whoever waits is looked for more rarely: looking must be no load for a server that is behind.
const LONG: Duration = Duration::from_millis(100);
/// What part of a long wait the next look may add to it: one in so much.
const EXACTNESS: u32 = 4;
/// How long to look before it counts as lost.
const PATIENCE: Duration = Duration::from_mins(2);
/// Begins the ids of the customers.
const RUN: &str = "l";

/// Sends callbacks and looks for their leads, over HTTP.
pub(super) async fn run(setting: &Setting) -> anyhow::Result<Vec<Figure>> {
    let http = http()?;
    let wecom = Wecom::start(&setting.place, &setting.cores, &http).await?;
    let (mut whole, mut half) = (Rounds::default(), Rounds::default());
    for round in 0..setting.choose(2, 5) {
        whole.measure(setting, &http, &wecom, RATE, setting.choose(5_000, 30_000)).await?;
        if round < setting.choose(1, 3) {
            half.measure(setting, &http, &wecom, HALF, setting.choose(2_000, 7_500)).await?;
        }
        setting.say(&format!("round {}: p99 {:.1} ms", round + 1, whole.seen[round]));
    }
    Ok(vec![
        Figure::of("lead-latency", "ms", &whole.seen)?
            .against_stated("advertised", ADVERTISED)
            .with_goal(Goal::AtMost(GOAL)),
        Figure::of("lead-latency-p50", "ms", &whole.middle)?,
        Figure::of("lead-latency-recorded", "ms", &whole.recorded)?,
        Figure::of("lead-latency-core", "%", &whole.core)?,
        Figure::of("lead-latency-half", "ms", &half.seen)?,
        Figure::of("lead-latency-half-core", "%", &half.core)?,
    ])
}

/// What rounds at one rate found.
#[derive(Default)]
struct Rounds {
    /// Milliseconds until 99 in 100 could be read.
    seen: Vec<f64>,
    /// The same of half of them.
    middle: Vec<f64>,
    /// Milliseconds until 99 in 100 had an owner, as they say.
    recorded: Vec<f64>,
    /// Percent of its core that the server used.
    core: Vec<f64>,
}

impl Rounds {
    async fn measure(
        &mut self,
        setting: &Setting,
        http: &Client,
        wecom: &Wecom,
        rate: f64,
        count: usize,
    ) -> anyhow::Result<()> {
        let serve = Serve::start(&setting.place, &setting.cores, http).await?;
        serve.api.connect(wecom).await?;
        let greeting = json!({"text": "您好，很高兴认识您！"});
        serve.api.put(&format!("{}/api/v1/leads/greetings", serve.api.leads), &greeting).await?;
        let found = once(&serve, wecom, rate, count).await?;
        let of = |waits: &[f64], percent| percentile(waits, percent).context("nothing was measured");
        self.seen.push(of(&found.readable, 99)?);
        self.middle.push(of(&found.readable, 50)?);
        self.recorded.push(of(&found.owned, 99)?);
        self.core.push(found.core);
        serve.finish().await
    }
}

/// What one round found.
struct Found {
    /// Milliseconds until leads could be read, of some.
    readable: Vec<f64>,
    /// Milliseconds until they had an owner as they say, of all.
    owned: Vec<f64>,
    /// Percent of its core that the server used while callbacks came.
    core: f64,
}

async fn once(serve: &Serve, wecom: &Wecom, rate: f64, count: usize) -> anyhow::Result<Found> {
    let requests = Arc::new(arrivals(&wecom.app, serve.address, RUN, count)?);
    let (watch, mut watched) = tokio::sync::mpsc::unbounded_channel::<Answered>();
    let on_answer = move |answered: Answered| {
        if answered.index.is_multiple_of(WATCHED) {
            watch.send(answered).ok(); // whoever does not listen any more has failed and says so
        }
    };
    let api = serve.api.clone();
    let watching = tokio::spawn(async move {
        let mut looking = JoinSet::new();
        while let Some(answered) = watched.recv().await {
            looking.spawn(readable(api.clone(), answered));
        }
        let mut waits = Vec::new();
        while let Some(wait) = looking.join_next().await {
            waits.push(wait.context("a look failed")??);
        }
        anyhow::Ok(waits)
    });
    let before = Usage::of(serve.id())?;
    let outcome = load::run(serve.address, CONNECTIONS, requests, Pace::Steady(rate), on_answer).await?;
    let core = Usage::of(serve.id())?.percent_since(before);
    outcome.expect_all(200)?;
    ensure!(outcome.answered.len() == count, "{} of {count} callbacks were answered", outcome.answered.len());
    let readable = watching.await.context("looking failed")??;
    let customers: Vec<String> = (0..count).map(|index| customer(RUN, index)).collect();
    let begun = Instant::now();
    while serve.api.owned(&customers[count - 1]).await?.is_none() {
        ensure!(begun.elapsed() < PATIENCE, "the last callback has no lead after {PATIENCE:?}");
        tokio::time::sleep(LONG).await;
    }
    let leads = serve.api.count_leads(&customers).await?;
    let owned = leads.iter().filter_map(crate::ours::Lead::wait).collect();
    Ok(Found { readable, owned, core })
}

/// Looks for the lead of a callback until it is there with its owner; returns the milliseconds since the callback was
/// due.
async fn readable(api: Api, answered: Answered) -> anyhow::Result<f64> {
    let customer = customer(RUN, answered.index);
    while api.owned(&customer).await?.is_none() {
        ensure!(answered.due.elapsed() < PATIENCE, "{customer} has no lead after {PATIENCE:?}");
        let waited = answered.due.elapsed();
        tokio::time::sleep(if waited < LONG { INTERVAL } else { waited / EXACTNESS }).await;
    }
    Ok(answered.due.elapsed().as_secs_f64() * 1000.0)
}
