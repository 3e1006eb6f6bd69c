//! The benchmarks, a file each.

mod callbacks;
mod first_lead;
mod idle;
mod lead_latency;
mod throughput;
mod webhooks;

use anyhow::{Context as _, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::cores::{Core, Cores};
use crate::figure::Figure;
use crate::peers::{self, Kind, NotInstalled};
use crate::place::Place;
use crate::stolen::Times;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Benchmark {
    /// Callbacks a second on one core, against a durable door.
    Callbacks,
    /// The same against a door that is fast and loses what it took in.
    CallbacksFast,
    /// The same against a door that does nothing beside its task.
    CallbacksFloor,
    /// From a callback to a lead that can be read.
    LeadLatency,
    /// The rate that services on PostgreSQL and RabbitMQ hold.
    Throughput,
    /// Ten thousand forms at once.
    Webhooks,
    /// Memory when nothing happens.
    Idle,
    /// From an empty folder to the first lead.
    FirstLead,
}

impl Benchmark {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 8] = [
        Self::Callbacks,
        Self::CallbacksFast,
        Self::CallbacksFloor,
        Self::LeadLatency,
        Self::Throughput,
        Self::Webhooks,
        Self::Idle,
        Self::FirstLead,
    ];

    /// Returns its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Callbacks => "callbacks",
            Self::CallbacksFast => "callbacks-fast",
            Self::CallbacksFloor => "callbacks-floor",
            Self::LeadLatency => "lead-latency",
            Self::Throughput => "throughput",
            Self::Webhooks => "webhooks",
            Self::Idle => "idle",
            Self::FirstLead => "first-lead",
        }
    }

    /// Finds one by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|benchmark| benchmark.name() == name)
    }

    /// Returns what its peer is written in, if it has one that must be installed.
    pub const fn peer(self) -> Option<Kind> {
        match self {
            Self::Callbacks | Self::Throughput | Self::Idle => Some(Kind::Python),
            Self::CallbacksFast => Some(Kind::Node),
            Self::CallbacksFloor | Self::LeadLatency | Self::Webhooks | Self::FirstLead => None,
        }
    }

    /// Installs its peer, if it has one, and the servers that it runs on.
    pub fn install(self, place: &Place) -> anyhow::Result<()> {
        if self == Self::Throughput {
            peers::install_packages("services")?;
        }
        self.peer().map_or(Ok(()), |kind| kind.install(place))
    }

    /// Measures; an error when anything accepted got lost, or something failed.
    pub fn run(self, place: &Place, is_quick: bool) -> anyhow::Result<Vec<Figure>> {
        if self.peer().is_some_and(|kind| !kind.is_installed(place)) {
            return Err(NotInstalled { benchmark: self.name() }.into());
        }
        let before = Times::now();
        let mut figures = self.run_installed(place, is_quick)?;
        if let Some((before, now)) = before.zip(Times::now()) {
            figures.push(Figure::of(format!("{}-stolen", self.name()), "%", &[now.stolen_since(before)])?);
        }
        Ok(figures)
    }

    fn run_installed(self, place: &Place, is_quick: bool) -> anyhow::Result<Vec<Figure>> {
        let cores = Cores::find()?;
        let setting = Setting { place: place.clone(), cores, is_quick };
        if !setting.cores.are_enough() {
            setting.say("there is one core only: load and server share it, so the figures say little");
        }
        if self == Self::FirstLead {
            return first_lead::run(&setting);
        }
        setting.cores.pin(Core::Load)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("the asynchronous runtime does not start")?;
        // Whatever stops it, it stops what it has started: processes and servers end when they are dropped.
        runtime.block_on(async {
            let mut ending = signal(SignalKind::terminate())?;
            tokio::select! {
                figures = Box::pin(self.measure(&setting)) => figures,
                _ = tokio::signal::ctrl_c() => bail!("interrupted"),
                _ = ending.recv() => bail!("ended before it was done"),
            }
        })
    }

    async fn measure(self, setting: &Setting) -> anyhow::Result<Vec<Figure>> {
        match self {
            Self::Callbacks => callbacks::run(setting).await,
            Self::CallbacksFast => callbacks::run_fast(setting).await,
            Self::CallbacksFloor => callbacks::run_floor(setting).await,
            Self::LeadLatency => lead_latency::run(setting).await,
            Self::Throughput => throughput::run(setting).await,
            Self::Webhooks => webhooks::run(setting).await,
            Self::Idle => idle::run(setting).await,
            Self::FirstLead => first_lead::run(setting),
        }
    }
}

/// Under what a benchmark runs.
struct Setting {
    place: Place,
    cores: Cores,
    is_quick: bool,
}

impl Setting {
    /// Returns the first in a quick run, otherwise the second.
    const fn choose<T: Copy>(&self, quick: T, full: T) -> T {
        if self.is_quick { quick } else { full }
    }

    /// Says how far it is.
    #[expect(clippy::unused_self, reason = "progress belongs to a run")]
    fn say(&self, what: &str) {
        eprintln!("scrm-bench: {what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_benchmark_is_found_by_its_name() {
        for benchmark in Benchmark::ALL {
            assert_eq!(Benchmark::parse(benchmark.name()), Some(benchmark));
        }
        assert_eq!(Benchmark::parse("callback"), None);
    }
}
