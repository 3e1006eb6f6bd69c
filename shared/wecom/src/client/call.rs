//! One call from its turn to its answer, and when it is made again.
//!
//! A refused token means that nothing was done: it is renewed once, and the call made again, whatever it is. After a
//! cancelled authorisation there is no new one, and the caller is told so. Reads are made again after passing trouble. A
//! call with an effect is otherwise made once, and when WeCom may have done it although we did not hear so, it fails as
//! [`CallError::Unclear`].

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::Speaker;
use super::endpoint::{Effect, Endpoint};
use super::error::{CallError, Class};
use super::http::{self, Broken};
use super::reply;
use super::token::Grant;

/// Bytes of an answer at most: 10,000 members' ids have about 1 MB.
const MOST_ANSWER: usize = 16 << 20;
/// How long an upload of up to 20 MB may take.
const UPLOAD: Duration = Duration::from_mins(1);
/// WeCom's code for a limit that is reached.
const LIMIT_REACHED: i64 = 45009;

/// What a call carries.
pub(super) enum Payload {
    /// A GET with these parameters.
    Query(Vec<(&'static str, String)>),
    /// A POST with this JSON.
    Json(Vec<u8>),
    /// A POST with one file, and its type in the query.
    File { kind: &'static str, name: String, content: Bytes },
}

impl Payload {
    /// Writes a body.
    pub(super) fn json(body: &impl Serialize) -> Result<Self, CallError> {
        let written = serde_json::to_vec(body);
        written.map(Self::Json).map_err(|_| CallError::NotSent("the body cannot be written".to_owned()))
    }
}

impl Speaker {
    /// Asks with a GET.
    pub(super) async fn get<R: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        query: Vec<(&'static str, String)>,
    ) -> Result<R, CallError> {
        self.call(endpoint, Payload::Query(query)).await
    }

    /// Asks with a POST.
    pub(super) async fn post<R: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        body: &impl Serialize,
    ) -> Result<R, CallError> {
        self.call(endpoint, Payload::json(body)?).await
    }

    /// Makes a call, and makes it again where that is safe.
    pub(super) async fn call<R: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        payload: Payload,
    ) -> Result<R, CallError> {
        let limits = &self.client.limits;
        let mut is_renewed = false;
        let mut repeats = 0;
        loop {
            let grant = self.grant().await?;
            let error = match self.attempt(endpoint, &payload, &grant).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match error.class() {
                _ if error.is_of_token() && !is_renewed => {
                    is_renewed = true;
                    self.client.tokens.invalidate(&grant).await?;
                }
                Class::Retry | Class::Unclear
                    if endpoint.effect == Effect::None && repeats < limits.repeats =>
                {
                    tokio::time::sleep(limits.pause(repeats)).await;
                    repeats += 1;
                }
                _ => return Err(error),
            }
        }
    }

    /// Makes a call once, in its turn, and notes how it went.
    async fn attempt<R: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        payload: &Payload,
        grant: &Grant,
    ) -> Result<R, CallError> {
        let request = self.request(endpoint, payload, grant)?;
        let _turn = self.client.throttle.turn(grant, endpoint).await?;
        let started = Instant::now();
        let step = tracing::trace_span!(
            target: scrm_telemetry::TARGET, "call",
            otel.kind = "client", otel.name = endpoint.path, wecom.errcode = Empty, outcome = Empty,
        );
        let outcome = converse(request, grant).instrument(step.clone()).await;
        let outcome = outcome.map_err(|error| told_by(endpoint, error));
        let ms = started.elapsed().as_millis();
        match &outcome {
            Ok(_) => {
                step.record("wecom.errcode", 0).record("outcome", "done");
                note(endpoint, grant, Some(0), ms, "done");
            }
            Err(error) => {
                if error.errcode() == Some(LIMIT_REACHED) {
                    self.client.throttle.rest(grant, endpoint).await;
                }
                step.record("wecom.errcode", error.errcode()).record("outcome", kind_of(error));
                note(endpoint, grant, error.errcode(), ms, kind_of(error));
            }
        }
        outcome
    }

    fn request(
        &self,
        endpoint: &Endpoint,
        payload: &Payload,
        grant: &Grant,
    ) -> Result<RequestBuilder, CallError> {
        let mut url = address(&grant.base_url, endpoint.path)?;
        url.query_pairs_mut().append_pair("access_token", grant.token.expose());
        let http = &self.client.http;
        Ok(match payload {
            Payload::Query(query) => {
                url.query_pairs_mut().extend_pairs(query);
                http.get(url)
            }
            Payload::Json(body) => http.post(url).header(CONTENT_TYPE, "application/json").body(body.clone()),
            Payload::File { kind, name, content } => {
                url.query_pairs_mut().append_pair("type", kind);
                let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
                let part = Part::stream_with_length(content.clone(), length).file_name(name.clone());
                // WeCom reads a name as it stands, not one with percent signs.
                let form = Form::new().part("media", part).percent_encode_noop();
                http.post(url).timeout(UPLOAD).multipart(form)
            }
        })
    }
}

/// Puts the address of a call together; no error quotes it.
pub(super) fn address(base_url: &str, path: &str) -> Result<Url, CallError> {
    let base_url = base_url.trim_end_matches('/');
    let address = Url::parse(&format!("{base_url}/cgi-bin/{path}"));
    address.map_err(|error| CallError::NotSent(format!("the base URL cannot be used: {error}")))
}

async fn converse<R: DeserializeOwned>(request: RequestBuilder, grant: &Grant) -> Result<R, CallError> {
    let (status, answer) = http::exchange(request, MOST_ANSWER).await.map_err(CallError::from)?;
    reply::read(status, &answer, &[grant.token.expose()])
}

impl From<Broken> for CallError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::NotSent(cause) => Self::NotSent(cause),
            Broken::Lost(cause) => Self::Unclear(cause),
            Broken::TooLarge => Self::Malformed("too large".to_owned()),
        }
    }
}

/// Of a call with an effect, an answer that cannot be used leaves open whether it was done: a gateway may have lost
/// WeCom's own.
fn told_by(endpoint: &Endpoint, error: CallError) -> CallError {
    match (endpoint.effect, error) {
        (Effect::Lasting, error @ (CallError::Malformed(_) | CallError::Http { status: 500..=599 })) => {
            CallError::Unclear(error.to_string())
        }
        (_, error) => error,
    }
}

fn kind_of(error: &CallError) -> &'static str {
    match error {
        CallError::Wecom { .. } => "refused",
        CallError::Unclear(_) => "unclear",
        CallError::NotSent(_) => "not_sent",
        CallError::Http { .. } => "http_status",
        CallError::Malformed(_) => "malformed",
        CallError::Token(_) => "no_token",
        CallError::RateLimited { .. } => "held_back",
    }
}

/// Writes the one line of a call.
fn note(endpoint: &Endpoint, grant: &Grant, errcode: Option<i64>, ms: u128, outcome: &'static str) {
    let path = endpoint.path;
    tracing::debug!(
        corp.id = %grant.corp,
        wecom.path = path,
        wecom.errcode = errcode,
        outcome,
        ms,
        "Called WeCom's {path}"
    );
}
