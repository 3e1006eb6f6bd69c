//! Our services as processes, from the callback to the lead.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use reqwest::Client;
use scrm_kernel::{Clock, Timestamp};

use super::held::{Line, Tried};
use crate::callback::{App, arrivals, customer};
use crate::figure::number;
use crate::load::{self, Outcome, Pace};
use crate::ours::{Lead, Wecom};
use crate::runs::Setting;
use crate::servers::{Depth, Left, Servers, Services as Processes};

/// Connections of the load.
const CONNECTIONS: usize = 64;
/// About what the services make of callbacks in a second.
const PER_SECOND: usize = 500;
/// How long leads may take to be there.
const PATIENCE: Duration = Duration::from_mins(2);
/// How much longer than planned sending may take.
const SLACK: Duration = Duration::from_millis(200);
/// How often to look for the last leads.
const INTERVAL: Duration = Duration::from_millis(100);

/// The services, connected to the simulated WeCom.
pub(super) struct Services {
    processes: Processes,
    app: App,
    depth: Depth,
    /// Tries so far: each has customers of its own.
    tries: usize,
}

impl Services {
    pub(super) async fn start(
        setting: &Setting,
        http: &Client,
        servers: &Servers,
        wecom: &Wecom,
        name: &str,
    ) -> anyhow::Result<Self> {
        let processes = Processes::start(&setting.place, &setting.cores, http, servers, name).await?;
        processes.api.connect(wecom).await?;
        let queues = servers.queues(http).await?;
        let own = queues.into_iter().filter(|queue| queue.starts_with(&format!("{name}."))).collect();
        let depth = Depth::of(servers.amqp()?, own).await?;
        Ok(Self { processes, app: wecom.app.clone(), depth, tries: 0 })
    }

    pub(super) async fn finish(self) -> anyhow::Result<()> {
        self.processes.finish().await
    }

    /// Sends so many callbacks; returns what came of it, what was left in the queues, and the leads in order of arrival.
    async fn send(&mut self, count: usize, pace: Pace) -> anyhow::Result<(Outcome, Left, Vec<Lead>)> {
        self.tries += 1;
        let (run, since) = (format!("t{}x", self.tries), Clock::system().now());
        let requests = Arc::new(arrivals(&self.app, self.processes.ingest, &run, count)?);
        let outcome = load::run(self.processes.ingest, CONNECTIONS, requests, pace, |_| ()).await?;
        let left = self.depth.now().await?;
        outcome.expect_all(200)?;
        let customers: Vec<String> =
            outcome.answered.iter().map(|answered| customer(&run, answered.index)).collect();
        let leads = self.leads(&customers, since).await?;
        Ok((outcome, left, leads))
    }

    /// Waits until the queues are empty and each of these customers has a lead; returns those, by arrival.
    async fn leads(&self, customers: &[String], since: Timestamp) -> anyhow::Result<Vec<Lead>> {
        let begun = Instant::now();
        let mut waiting = customers.iter();
        let mut next = waiting.next();
        while let Some(customer) = next {
            if self.processes.api.owned(customer).await?.is_some() {
                next = waiting.nth(customers.len() / 20); // one in twenty tells when to read all
                continue;
            }
            ensure!(begun.elapsed() < PATIENCE, "{customer} has no lead after {PATIENCE:?}");
            tokio::time::sleep(INTERVAL).await;
        }
        loop {
            if let Some(mut leads) = self.processes.api.leads_since(since, customers).await? {
                leads.sort_by_key(|lead| lead.received_at);
                while self.depth.now().await?.messages > 0 {
                    ensure!(begun.elapsed() < PATIENCE, "the queues are not empty after {PATIENCE:?}");
                    tokio::time::sleep(INTERVAL).await;
                }
                return Ok(leads);
            }
            ensure!(begun.elapsed() < PATIENCE, "not everybody has a lead after {PATIENCE:?}");
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

impl Line for Services {
    async fn flood(&mut self, seconds: u32) -> anyhow::Result<f64> {
        let count = usize::try_from(seconds)? * PER_SECOND;
        let (_, _, leads) = self.send(count, Pace::Flat(PATIENCE)).await?;
        let first = leads.iter().map(|lead| lead.received_at).min();
        let last = leads.iter().filter_map(|lead| lead.assigned_at).max();
        let time = first.zip(last).and_then(|(first, last)| (last - first).to_std().ok()).unwrap_or_default();
        Ok(number(leads.len()) / time.as_secs_f64())
    }

    async fn hold(&mut self, rate: f64, seconds: u32) -> anyhow::Result<Tried> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand at most")]
        let count = (rate * f64::from(seconds)) as usize;
        let (outcome, left, leads) = self.send(count, Pace::Steady(rate)).await?;
        let planned = Duration::from_secs(seconds.into());
        let is_in_time = outcome.elapsed <= planned + SLACK;
        Ok(Tried { waits: leads.iter().filter_map(Lead::wait).collect(), left, is_in_time })
    }
}
