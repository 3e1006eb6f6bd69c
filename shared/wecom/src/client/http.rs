//! One HTTP exchange: the connection's settings, a bounded answer, and errors that hold no address.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};

/// How long to wait for whom, and how much to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For one whole exchange, connection and answer included.
    pub exchange: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), exchange: Duration::from_secs(10) }
    }
}

/// An idle connection is closed before the other side is likely to: a call on one that just closed ends unclear.
const IDLE: Duration = Duration::from_secs(20);

/// Makes an HTTP client for WeCom and ingest: time limits, no redirects (they would carry the token elsewhere), no
/// proxy from the environment, and HTTP/1.1, in which as many calls run at once as there are connections.
pub fn client(patience: &Patience) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(patience.connect)
        .timeout(patience.exchange)
        .pool_idle_timeout(IDLE)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .build()
}

/// Why there is no answer. The texts name no address: an address holds the token.
#[derive(Debug)]
pub(super) enum Broken {
    /// The request did not go out.
    NotSent(String),
    /// The request may have gone out; the answer did not come, or not to its end.
    Lost(String),
    /// The answer is longer than anything WeCom says.
    TooLarge,
}

/// Sends a request and reads at most `most` bytes of its answer.
pub(super) async fn exchange(request: RequestBuilder, most: usize) -> Result<(StatusCode, Vec<u8>), Broken> {
    let mut response = request.send().await.map_err(broken)?;
    let status = response.status();
    let announced = response.content_length().unwrap_or_default();
    if announced > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(Broken::TooLarge);
    }
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if answer.len() + chunk.len() > most {
            return Err(Broken::TooLarge);
        }
        answer.extend_from_slice(&chunk);
    }
    Ok((status, answer))
}

fn broken(error: reqwest::Error) -> Broken {
    if error.is_connect() || error.is_builder() {
        Broken::NotSent(describe(error))
    } else {
        Broken::Lost(describe(error))
    }
}

/// Tells an error with its causes, without the address. The causes are of hyper and the system, which know none.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
