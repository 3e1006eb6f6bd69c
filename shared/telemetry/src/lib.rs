#![doc = include_str!("../README.md")]

use tracing_subscriber::EnvFilter;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("log filter {0:?} cannot be read: {1}")]
pub struct BadFilter(String, String);

/// Starts the log of this process; `filter` is written like `info,scrm_leads=debug`.
///
/// A second call in one process changes nothing, which suits tests.
pub fn start(format: Format, filter: &str) -> Result<(), BadFilter> {
    let parsed =
        EnvFilter::try_new(filter).map_err(|error| BadFilter(filter.to_owned(), error.to_string()))?;
    let builder = tracing_subscriber::fmt().with_env_filter(parsed).with_writer(std::io::stderr);
    let started = match format {
        Format::Pretty => builder.with_target(false).compact().try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    // Only a second start fails, and then the first one holds.
    started.ok();
    Ok(())
}
