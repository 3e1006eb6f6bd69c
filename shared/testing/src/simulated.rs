//! A simulated WeCom for one test, and a client that speaks with it.

use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use async_trait::async_trait;
use reqwest::Method;
use scrm_cache::Cache;
use scrm_kernel::{Clock, CorpId, WecomCorpId};
use scrm_wecom::client::http::Patience;
use scrm_wecom::client::token::{CachedTokens, Grant, TokenError, TokenSource, fetch_token};
use scrm_wecom::client::{Client, Limits};
use scrm_wecom_sandbox::{DeliveryRules, Sandbox};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::cache;

/// The app that is connected.
pub const APP: &str = "demo";
/// Which company it is.
const SEED: u64 = 7;

/// A simulated WeCom on a port of its own, by the clock of the test. Nobody arrives by themselves.
pub struct TestWecom {
    /// The simulation, for what its users do.
    pub sandbox: Sandbox,
    url: String,
    server: ServerHandle,
    control: reqwest::Client,
    clock: Clock,
    /// Where its clients count their calls, as the processes of an installation do.
    cache: OnceCell<Cache>,
    _folder: TempDir,
}

impl TestWecom {
    /// Founds a company. Its callbacks go nowhere until somebody says where.
    pub fn start(clock: Clock) -> Self {
        Self::start_with(clock, DeliveryRules::default())
    }

    /// Founds a company like [`start`](Self::start), with other rules for deliveries than WeCom's.
    pub fn start_with(clock: Clock, rules: DeliveryRules) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the simulation can be made");
        let sandbox = Sandbox::open_with(folder.path(), SEED, clock.clone(), rules);
        let sandbox = sandbox.expect("a new simulation opens");
        let routed = sandbox.clone();
        let server = HttpServer::new(move || App::new().configure(|config| routed.routes(config)))
            .workers(1)
            .disable_signals()
            .bind("127.0.0.1:0")
            .expect("there is a free port");
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        let control = reqwest::Client::builder().no_proxy().build().expect("a plain client can be made");
        Self { sandbox, url, server: handle, control, clock, cache: OnceCell::new(), _folder: folder }
    }

    /// Returns where it is, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the clock that it goes by.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Returns a client that speaks with it as the app `demo`, whatever the enterprise.
    pub async fn client(&self) -> Client {
        self.client_by(self.tokens()).await
    }

    /// Returns a client that speaks by these tokens.
    pub async fn client_by(&self, tokens: Arc<dyn TokenSource>) -> Client {
        let cache = self.cache.get_or_init(|| cache(self.clock.clone())).await.clone();
        Client::new(http(), tokens, Limits::default(), cache, self.clock.clone())
    }

    /// Returns where tokens of the app `demo` come from.
    pub fn tokens(&self) -> Arc<dyn TokenSource> {
        let app = self.sandbox.app(APP).expect("there is always the app demo");
        let source = Direct { http: http(), url: self.url.clone(), app, clock: self.clock.clone() };
        Arc::new(CachedTokens::new(Arc::new(source), self.clock.clone()))
    }

    /// Calls the control interface, such as `POST /_control/events`; returns status and JSON.
    pub async fn control(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.control.request(method, format!("{}{path}", self.url)).json(body);
        let answer = request.send().await.expect("a simulation that runs answers");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// Returns body and answer of every call of a path, such as `externalcontact/send_welcome_msg`, in order.
    pub fn calls(&self, path: &str) -> Vec<(Value, Value)> {
        let called = self.sandbox.calls_where(|called| called.ends_with(path));
        let json = |text: &str| serde_json::from_str(text).expect("calls are JSON");
        called.iter().map(|call| (json(call.body.get()), json(call.answer.get()))).collect()
    }

    /// Ends it.
    pub async fn finish(self) {
        self.server.stop(false).await;
    }
}

fn http() -> reqwest::Client {
    let http = scrm_wecom::client::http::client(&Patience::default());
    http.expect("a client without certificates of its own can be made")
}

/// Tokens straight from the simulation, without the service that keeps them otherwise.
struct Direct {
    http: reqwest::Client,
    url: String,
    app: scrm_wecom_sandbox::App,
    clock: Clock,
}

#[async_trait]
impl TokenSource for Direct {
    async fn grant(&self, corp: CorpId, _: Option<&str>) -> Result<Grant, TokenError> {
        let wecom_corp = WecomCorpId::parse(&self.app.corp_id).expect("the simulation has a valid id");
        let secret = self.app.secret.clone().into();
        let fetched = fetch_token(&self.http, &self.url, &wecom_corp, &secret).await;
        let (token, life) = fetched.map_err(|error| TokenError::Unavailable(error.to_string()))?;
        Ok(Grant {
            corp,
            app: APP.to_owned(),
            wecom_corp,
            agent_id: self.app.agent_id.into(),
            base_url: self.url.clone(),
            token,
            expires_at: self.clock.now() + life,
        })
    }

    async fn invalidate(&self, _: &Grant) -> Result<(), TokenError> {
        Ok(())
    }
}
