#![doc = include_str!("../README.md")]

mod traces;

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

pub use traces::{ENDPOINT, Exporter, TARGET, Traces, follow, rename, traceparent};

/// Upper bounds of the buckets of every time, in seconds: from a millisecond to WeCom's 20.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 3.0, 10.0, 20.0];

/// How often measured times are put into their buckets.
const UPKEEP: Duration = Duration::from_secs(5);

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// What cannot be started as it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum BadTelemetry {
    /// A filter that cannot be read.
    #[error("log filter {0:?} cannot be read: {1}")]
    Filter(String, String),
    /// Traces that cannot be sent there.
    #[error("traces cannot be sent to {0}: {1}")]
    Traces(String, String),
}

/// Never logged, whatever the filter says: the AMQP client logs a returned message with its body.
const SILENT: &str = "lapin=off";

/// Starts the log of this process, and its traces if they are wanted; `filter` is written like `info,scrm_leads=debug`.
///
/// What sends the traces is returned; they are sent as long as it lives. A second call in one process changes nothing,
/// which suits tests.
pub fn start(
    format: Format,
    filter: &str,
    traces: Option<&Traces>,
) -> Result<Option<Exporter>, BadTelemetry> {
    let parsed = EnvFilter::try_new(format!("{filter},{SILENT}"))
        .map_err(|error| BadTelemetry::Filter(filter.to_owned(), error.to_string()))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // Colours are for somebody who watches; in a file they are noise. `NO_COLOR` is respected already.
    let lines = if std::io::stderr().is_terminal() { lines } else { lines.with_ansi(false) };
    let lines = match format {
        Format::Pretty => lines.with_target(false).compact().boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let exporter = traces.map(Exporter::start).transpose()?;
    let spans = exporter.as_ref().map(Exporter::layer);
    let started = tracing_subscriber::registry().with(lines.with_filter(parsed)).with(spans).try_init();
    // Only a second start fails, and then the first one holds.
    Ok(exporter.filter(|_| started.is_ok()))
}

/// Begins to collect what the crates of this process count; a second call changes nothing.
///
/// It wants a Tokio runtime, which keeps the metrics small as long as it runs.
pub fn start_metrics() {
    METRICS.get_or_init(|| {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .inspect(|metrics| drop(tokio::spawn(keep_small(metrics.clone()))))
            .inspect_err(|error| tracing::error!(error = %error, "Cannot collect metrics"))
            .ok()
    });
}

/// Puts times into their buckets. Until then each of them is kept, and nobody may ever come for the metrics.
async fn keep_small(metrics: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        metrics.run_upkeep();
    }
}

/// Returns the metrics as Prometheus reads them; empty when they were not started.
pub fn render_metrics() -> String {
    let handle = METRICS.get().and_then(Option::as_ref);
    handle.map_or_else(String::new, |handle| {
        handle.run_upkeep();
        handle.render()
    })
}
