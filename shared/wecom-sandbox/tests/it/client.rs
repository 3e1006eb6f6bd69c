//! A caller of WeCom's API and of the control API, over HTTP, and a sandbox whose clock the test moves.

use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use reqwest::{Method, Response};
use scrm_kernel::Clock;
use scrm_kernel::time::from_millis;
use scrm_wecom_sandbox::{DeliveryRules, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::PATIENCE;

/// When the mock clock of a test begins, in milliseconds since 1970.
pub(crate) const BEGIN: i64 = 1_760_000_000_000;

/// A sandbox that listens on a port, and a client with a token.
pub(crate) struct TestCorp {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Clock,
    pub(crate) token: String,
    folder: Option<TempDir>,
    client: reqwest::Client,
    pub(crate) url: String,
    server: ServerHandle,
}

impl TestCorp {
    pub(crate) async fn start() -> Self {
        Self::over(tempfile::tempdir().unwrap(), Clock::mock(from_millis(BEGIN))).await
    }

    async fn over(folder: TempDir, clock: Clock) -> Self {
        let rules = DeliveryRules {
            timeout: PATIENCE,
            attempts: 1,
            retry_gap: Duration::ZERO,
            hold_back: Duration::ZERO,
            ..DeliveryRules::default()
        };
        let sandbox = Sandbox::open_with(folder.path(), 7, clock.clone(), rules).unwrap();
        let routed = sandbox.clone();
        let server = HttpServer::new(move || App::new().configure(|config| routed.routes(config)))
            .workers(1)
            // Thousands of calls at once are slow in a debug build; here that is no reason to refuse any.
            .client_request_timeout(Duration::ZERO)
            .keep_alive(Duration::from_mins(10))
            .disable_signals()
            .bind("127.0.0.1:0")
            .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let folder = Some(folder);
        let mut corp = Self { sandbox, clock, token: String::new(), folder, client, url, server: handle };
        corp.renew().await;
        corp
    }

    /// Stops, and opens the same folder again.
    pub(crate) async fn restarted(self) -> Self {
        let Self { sandbox, clock, mut folder, server, .. } = self;
        drop(sandbox);
        server.stop(false).await;
        let folder = folder.take().unwrap();
        // The lock is free once the server's workers have let go of the sandbox.
        while std::fs::File::open(folder.path().join("company.lock")).unwrap().try_lock().is_err() {
            tokio::task::yield_now().await;
        }
        Self::over(folder, clock).await
    }

    /// Gets a token.
    pub(crate) async fn renew(&mut self) {
        self.token = self.token_of("demo").await;
    }

    async fn token_of(&self, app: &str) -> String {
        let app = self.sandbox.app(app).unwrap();
        let path = format!("/cgi-bin/gettoken?corpid={}&corpsecret={}", app.corp_id, app.secret);
        let answer = self.ask(Method::GET, &path, None).await.1;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Response> {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match body {
            Some(body) => request.json(&body).send().await,
            None => request.send().await,
        }
    }

    /// Sends a request to any path, and reads the JSON of the answer.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let response = self.send(method, path, body).await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    /// Calls an endpoint by GET; `name` may hold parameters.
    pub(crate) async fn get(&self, name: &str) -> Value {
        let joint = if name.contains('?') { '&' } else { '?' };
        let path = format!("/cgi-bin/{name}{joint}access_token={}", self.token);
        let (status, answer) = self.ask(Method::GET, &path, None).await;
        assert_eq!(status, 200);
        answer
    }

    /// Calls an endpoint by POST.
    pub(crate) async fn post(&self, name: &str, body: Value) -> Value {
        let path = format!("/cgi-bin/{name}?access_token={}", self.token);
        let (status, answer) = self.ask(Method::POST, &path, Some(body)).await;
        assert_eq!(status, 200);
        answer
    }

    /// Calls an endpoint by POST as another app than `demo`.
    pub(crate) async fn post_as(&self, app: &str, name: &str, body: Value) -> Value {
        let path = format!("/cgi-bin/{name}?access_token={}", self.token_of(app).await);
        self.ask(Method::POST, &path, Some(body)).await.1
    }

    /// Calls an endpoint by POST and expects success.
    pub(crate) async fn done(&self, name: &str, body: Value) -> Value {
        let answer = self.post(name, body).await;
        assert_eq!(answer["errcode"], 0, "{name}: {answer}");
        answer
    }

    /// Uploads a file and returns the answer.
    pub(crate) async fn upload(&self, kind: &str, bytes: &[u8]) -> Value {
        let mut body =
            b"--x\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.png\"\r\n".to_vec();
        body.extend(b"Content-Type: image/png\r\n\r\n");
        body.extend(bytes);
        body.extend(b"\r\n--x--\r\n");
        let url = format!("{}/cgi-bin/media/upload?access_token={}&type={kind}", self.url, self.token);
        let request = self.client.post(url).header("content-type", "multipart/form-data; boundary=x");
        request.body(body).send().await.unwrap().json().await.unwrap()
    }

    /// Sends one event or an array of them through the control API.
    pub(crate) async fn event(&self, order: Value) -> Value {
        let (status, answer) = self.ask(Method::POST, "/_control/events", Some(order)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Lets a new customer scan, and returns the ids of member and customer.
    pub(crate) async fn scanned(&self, fields: Value) -> (String, String) {
        let answer = self.event(json!({ "app": "demo", "type": "scan", "fields": fields })).await;
        let text = |name: &str| answer["deliveries"][0][name].as_str().unwrap().to_owned();
        (text("user_id"), text("external_user_id"))
    }

    /// Returns the userid of the member at this place of the script.
    pub(crate) fn member(&self, place: usize) -> String {
        self.sandbox.company().staff[place].user_id.clone()
    }

    /// Returns what the API says about a customer.
    pub(crate) async fn customer(&self, external_user_id: &str) -> Value {
        self.get(&format!("externalcontact/get?external_userid={external_user_id}")).await
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}
