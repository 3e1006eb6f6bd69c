//! A worker of Python on the same servers, from the event to the lead.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::stream::{FuturesUnordered, StreamExt as _};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use scrm_kernel::Clock;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use super::held::{Line, Tried};
use crate::callback::App;
use crate::cores::Core;
use crate::figure::number;
use crate::peers;
use crate::place::Place;
use crate::program::Program;
use crate::runs::Setting;
use crate::servers::{Depth, Left, Servers};

/// Its exchange, its queue, and where its own events go.
const EXCHANGE: &str = "bench.events";
const QUEUE: &str = "bench.contact_added";
/// About what it handles in a second.
const PER_SECOND: usize = 150;
/// Confirms on their way.
const WINDOW: usize = 200;
/// How long leads may take to be there.
const PATIENCE: Duration = Duration::from_mins(2);
/// How much longer than planned sending may take.
const SLACK: Duration = Duration::from_millis(200);
/// How often to look whether the queue is empty.
const INTERVAL: Duration = Duration::from_millis(50);

/// The worker, and whoever sends it events.
pub(super) struct Worker {
    place: Place,
    postgres: String,
    amqp: String,
    program: Program,
    channel: Channel,
    /// Kept, because it closes with its last handle.
    _connection: Connection,
    depth: Depth,
    app: App,
    /// Events sent so far.
    sent: usize,
    _folder: TempDir,
}

#[derive(Deserialize)]
struct Report {
    leads: usize,
    waits_ms: Vec<f64>,
}

impl Worker {
    pub(super) async fn start(setting: &Setting, servers: &Servers, app: &App) -> anyhow::Result<Self> {
        let (postgres, amqp) = (servers.postgres("postgres")?, servers.amqp()?.to_owned());
        let prepared = peers::worker(&setting.place, "prepare", &postgres, &amqp).status()?;
        ensure!(prepared.success(), "the worker cannot make its tables and queues");
        let folder = setting.place.empty_folder()?;
        let mut command = peers::worker(&setting.place, "run", &postgres, &amqp);
        let mut program =
            Program::start("worker", &mut command, &setting.cores, Core::Server, folder.path())?;
        program.until(async |printed| printed.contains("ready").then_some(())).await?;
        let connection = Connection::connect(&amqp, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let depth = Depth::of(&amqp, vec![QUEUE.to_owned()]).await?;
        let (place, app) = (setting.place.clone(), app.clone());
        Ok(Self {
            place,
            postgres,
            amqp,
            program,
            channel,
            _connection: connection,
            depth,
            app,
            sent: 0,
            _folder: folder,
        })
    }

    pub(super) async fn finish(self) -> anyhow::Result<()> {
        self.program.stop().await
    }

    /// Publishes so many events, at a rate if there is one; returns how long that took, and what was left in the queue.
    async fn send(&mut self, count: usize, rate: Option<f64>) -> anyhow::Result<(Duration, Left)> {
        let begun = Instant::now();
        let mut confirms = FuturesUnordered::new();
        for index in 0..count {
            if let Some(rate) = rate {
                tokio::time::sleep_until((begun + Duration::from_secs_f64(number(index) / rate)).into())
                    .await;
            }
            confirms.push(self.publish(self.sent + index).await?);
            if confirms.len() >= WINDOW
                && let Some(confirm) = confirms.next().await
            {
                ensure!(matches!(confirm?, Confirmation::Ack(None)), "RabbitMQ did not take an event");
            }
        }
        while let Some(confirm) = confirms.next().await {
            ensure!(matches!(confirm?, Confirmation::Ack(None)), "RabbitMQ did not take an event");
        }
        self.sent += count;
        Ok((begun.elapsed(), self.depth.now().await?))
    }

    async fn publish(
        &self,
        index: usize,
    ) -> anyhow::Result<impl Future<Output = lapin::Result<Confirmation>> + use<>> {
        let staff = &self.app.staff;
        let event = json!({
            "corp_id": self.app.corp_id, "external_user_id": format!("wm{index:010}"),
            "user_id": staff[index % staff.len()], "received_ms": Clock::system().now().timestamp_millis(),
        });
        let properties =
            BasicProperties::default().with_delivery_mode(2).with_message_id(format!("event-{index}").into());
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let body = event.to_string();
        let publishing =
            self.channel.basic_publish(EXCHANGE.into(), QUEUE.into(), options, body.as_bytes(), properties);
        Ok(publishing.await?)
    }

    /// Waits until every event has its lead; returns the waits of all of them.
    async fn all(&self) -> anyhow::Result<Vec<f64>> {
        let begun = Instant::now();
        loop {
            if self.depth.now().await?.messages == 0 {
                let report = self.report()?;
                if report.leads == self.sent {
                    return Ok(report.waits_ms);
                }
            }
            ensure!(begun.elapsed() < PATIENCE, "the worker has not made all leads after {PATIENCE:?}");
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn report(&self) -> anyhow::Result<Report> {
        let mut command = peers::worker(&self.place, "report", &self.postgres, &self.amqp);
        let output = command.stdin(Stdio::null()).output()?;
        ensure!(
            output.status.success(),
            "the worker cannot report: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).context("the worker reports JSON")
    }
}

impl Line for Worker {
    async fn flood(&mut self, seconds: u32) -> anyhow::Result<f64> {
        // A backlog first, so that it never waits for work; then its own speed, from the first lead to the last.
        let before = self.sent;
        let begun = Instant::now();
        self.send(usize::try_from(seconds)? * PER_SECOND, None).await?;
        self.all().await?;
        Ok(number(self.sent - before) / begun.elapsed().as_secs_f64())
    }

    async fn hold(&mut self, rate: f64, seconds: u32) -> anyhow::Result<Tried> {
        let before = self.sent;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand at most")]
        let count = (rate * f64::from(seconds)) as usize;
        let (time, left) = self.send(count, Some(rate)).await?;
        let waits = self.all().await?.split_off(before);
        Ok(Tried { waits, left, is_in_time: time <= Duration::from_secs(seconds.into()) + SLACK })
    }
}
