//! Routes behind a real port, and a client that calls them.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use scrm_http::token::LONGEST_LIFE;
use scrm_http::{BETWEEN_SERVICES, Caller, Patience, Readiness, Routes, Tokens, serve_with};
use scrm_kernel::{Actor, Clock, CorpId, KeyRing, Lifecycle};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server with a port and a token key of its own.
pub struct TestServer {
    address: SocketAddr,
    tokens: Tokens,
    /// With which another service proves itself.
    keys: KeyRing,
    http: reqwest::Client,
}

impl TestServer {
    /// Serves `services` until `lifecycle` stops.
    pub fn start(services: Vec<Routes>, clock: Clock, lifecycle: &Lifecycle) -> Self {
        Self::with_patience(Patience::default(), services, clock, lifecycle)
    }

    /// Serves like [`start`](Self::start), and waits no longer than this for what it is sent.
    pub fn with_patience(
        patience: Patience,
        services: Vec<Routes>,
        clock: Clock,
        lifecycle: &Lifecycle,
    ) -> Self {
        let readiness = Readiness::default();
        readiness.set();
        Self::serving(patience, readiness, services, clock, lifecycle)
    }

    /// Serves with the tokens of a set-up, for a service that signs some itself.
    pub fn with_tokens(tokens: Tokens, services: Vec<Routes>, lifecycle: &Lifecycle) -> Self {
        let readiness = Readiness::default();
        readiness.set();
        Self::checking(Patience::default(), readiness, KeyRing::generate(), tokens, services, lifecycle)
    }

    /// Serves for a process that is not ready before `readiness` is set.
    pub fn before(readiness: Readiness, services: Vec<Routes>, clock: Clock, lifecycle: &Lifecycle) -> Self {
        Self::serving(Patience::default(), readiness, services, clock, lifecycle)
    }

    fn serving(
        patience: Patience,
        readiness: Readiness,
        services: Vec<Routes>,
        clock: Clock,
        lifecycle: &Lifecycle,
    ) -> Self {
        let keys = KeyRing::generate();
        let tokens = Tokens::admitting_services(&keys, clock);
        Self::checking(patience, readiness, keys, tokens, services, lifecycle)
    }

    fn checking(
        patience: Patience,
        readiness: Readiness,
        keys: KeyRing,
        tokens: Tokens,
        services: Vec<Routes>,
        lifecycle: &Lifecycle,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (checking, stopping) = (tokens.clone(), lifecycle.clone());
        let server = serve_with(patience, listener, services, checking, readiness, 1, stopping);
        lifecycle.spawn("http", server);
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        Self {
            address,
            tokens,
            keys,
            http: http.expect("a client without certificates of its own can be made"),
        }
    }

    /// Returns where it listens, for tests that write bytes.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends the beginning of a request and nothing more; returns what is answered before the connection is closed.
    pub async fn begin(&self, request: &str) -> Reply {
        let mut stream =
            TcpStream::connect(self.address).await.expect("a server that runs takes connections");
        stream.write_all(request.as_bytes()).await.expect("it reads what it is sent");
        let mut answer = Vec::new();
        let whole = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        whole.expect("it does not wait for ever").expect("an answer has an end");
        Reply::parse(&answer)
    }

    /// Returns the token of an administrator of `corp`, for tests that write bytes.
    pub fn token(&self, corp: CorpId) -> String {
        self.token_of(Actor::administrator(corp, "test"))
    }

    /// Returns a token that lets somebody in.
    pub fn token_of(&self, actor: Actor) -> String {
        self.tokens.sign(&Caller::of(actor), LONGEST_LIFE).expect("a generated key signs")
    }

    /// Returns a client that has a token of somebody, a new one for each request.
    pub fn client_of(&self, actor: Actor) -> Client {
        let tokens = self.tokens.clone();
        let sign =
            move || tokens.sign(&Caller::of(actor.clone()), LONGEST_LIFE).expect("a generated key signs");
        Client { token: Some(Arc::new(sign)), ..self.stranger() }
    }

    /// Returns a client that has the token of an administrator of `corp`.
    pub fn admin(&self, corp: CorpId) -> Client {
        self.client_of(Actor::administrator(corp, "test"))
    }

    /// Returns a client that is another service of the installation.
    pub fn service(&self) -> Client {
        self.bearer(&self.keys.shared_secret(BETWEEN_SERVICES))
    }

    /// Returns a client that sends `token`.
    pub fn bearer(&self, token: &str) -> Client {
        let token = token.to_owned();
        Client { token: Some(Arc::new(move || token.clone())), ..self.stranger() }
    }

    /// Returns a client without a token.
    pub fn stranger(&self) -> Client {
        let base = format!("http://{}", self.address);
        Client { base, token: None, content_type: None, headers: Vec::new(), http: self.http.clone() }
    }
}

/// A caller of a [`TestServer`].
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<Arc<dyn Fn() -> String + Send + Sync>>,
    /// Of what [`send`](Self::send) sends.
    content_type: Option<&'static str>,
    /// Sent with every request.
    headers: Vec<(&'static str, String)>,
    http: reqwest::Client,
}

/// An answer, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// Reads an answer as it came over the wire, without parts.
    fn parse(answer: &[u8]) -> Self {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        let head = std::str::from_utf8(&answer[..end]).expect("a head is text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let header = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?))
        };
        Self {
            status: status.expect("an answer has a status"),
            headers: lines.filter_map(header).collect(),
            body: answer[end + 4..].to_vec(),
        }
    }

    /// Returns the body as JSON; null when it is empty.
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        let text = || String::from_utf8_lossy(&self.body).into_owned();
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", text()))
    }
}

impl Client {
    /// Returns a client that says of the bytes it sends what they are.
    #[must_use]
    pub fn sending(self, content_type: &'static str) -> Self {
        Self { content_type: Some(content_type), ..self }
    }

    /// Returns a client that sends one more header, such as `If-Match`.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Asks for a path with its query; returns status and JSON.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let reply = self.send(Method::GET, path, "").await;
        (reply.status, reply.json())
    }

    /// Puts JSON to a path; returns status and JSON.
    pub async fn put(&self, path: &str, body: &impl Serialize) -> (u16, Value) {
        self.send_json(Method::PUT, path, body).await
    }

    /// Posts JSON to a path; returns status and JSON.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> (u16, Value) {
        self.send_json(Method::POST, path, body).await
    }

    /// Sends any bytes.
    pub async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        let mut request = self.request(method, path).body(body);
        if let Some(content_type) = self.content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        self.answer(request).await
    }

    async fn send_json(&self, method: Method, path: &str, body: &impl Serialize) -> (u16, Value) {
        let reply = self.answer(self.request(method, path).json(body)).await;
        (reply.status, reply.json())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        match &self.token {
            Some(token) => request.bearer_auth(token()),
            None => request,
        }
    }

    async fn answer(&self, request: RequestBuilder) -> Reply {
        let response = request.send().await.expect("a server that runs answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.expect("an answer has an end");
        Reply { status, headers, body: body.to_vec() }
    }
}
