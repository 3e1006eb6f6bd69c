//! A receiver as a product would write it, and a sandbox in a folder of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use scrm_kernel::Clock;
use scrm_wecom::callback::{AesKey, Credentials, Envelope, Query, open_get, open_post};
use scrm_wecom_sandbox::{DeliveryRules, Sandbox};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// How long to wait for what must end by itself.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A sandbox that does not wait between attempts.
pub(crate) struct TestSandbox {
    pub(crate) folder: TempDir,
    pub(crate) sandbox: Sandbox,
}

impl TestSandbox {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = reopened(&folder, 7);
        Self { folder, sandbox }
    }

    /// Opens a sandbox whose callbacks go to a new receiver.
    pub(crate) fn with_receiver() -> (Self, Receiver) {
        Self::open().received()
    }

    /// The same by a clock of its own.
    pub(crate) fn with_receiver_at(clock: Clock) -> (Self, Receiver) {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = opened_at(&folder, 7, clock);
        Self { folder, sandbox }.received()
    }

    fn received(self) -> (Self, Receiver) {
        let opened = self;
        let receiver = Receiver::start(&opened.sandbox);
        opened.sandbox.set_callback_url("demo", &receiver.url).unwrap();
        (opened, receiver)
    }
}

pub(crate) fn reopened(folder: &TempDir, seed: u64) -> Sandbox {
    opened_at(folder, seed, Clock::system())
}

pub(crate) fn opened_at(folder: &TempDir, seed: u64, clock: Clock) -> Sandbox {
    let rules = DeliveryRules {
        timeout: PATIENCE,
        retry_gap: Duration::ZERO,
        hold_back: Duration::ZERO,
        ..DeliveryRules::default()
    };
    Sandbox::open_with(folder.path(), seed, clock, rules).unwrap()
}

/// A server that verifies and decrypts what it gets, and answers what it is told to.
pub(crate) struct Receiver {
    pub(crate) url: String,
    messages: mpsc::UnboundedReceiver<String>,
    behaviour: Arc<Behaviour>,
    server: ServerHandle,
}

struct Behaviour {
    credentials: Credentials,
    /// Whom a verification is encrypted for.
    owner: String,
    /// Whom messages may be encrypted for.
    receivers: Vec<String>,
    messages: mpsc::UnboundedSender<String>,
    /// What to answer next; 200 when nothing is left.
    statuses: Mutex<VecDeque<u16>>,
    /// The body of answers.
    body: Mutex<&'static str>,
}

impl Receiver {
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        Self::of(sandbox, "demo")
    }

    /// Starts the receiver of an app, or of a suite.
    pub(crate) fn of(sandbox: &Sandbox, app: &str) -> Self {
        let app = sandbox.app(app).unwrap();
        let body = if app.suite_id.is_some() { "success" } else { "" };
        let receivers = [Some(sandbox.company().corp_id.clone()), app.suite_id];
        let key = AesKey::parse(&app.encoding_aes_key).unwrap();
        let (sender, messages) = mpsc::unbounded_channel();
        let behaviour = Arc::new(Behaviour {
            credentials: Credentials::new(&app.token, key).unwrap(),
            owner: app.corp_id,
            receivers: receivers.into_iter().flatten().collect(),
            messages: sender,
            statuses: Mutex::default(),
            body: Mutex::new(body),
        });
        let data = Data::from(Arc::clone(&behaviour));
        let routes = move || {
            let callback = web::resource("/callback").get(echo).post(take);
            App::new()
                .app_data(data.clone())
                .service(callback)
                .route("/wrong", web::get().to(HttpResponse::Ok))
        };
        let server = HttpServer::new(routes).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/callback?tenant=1", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, messages, behaviour, server: handle }
    }

    pub(crate) fn answer(&self, statuses: &[u16]) {
        self.behaviour.statuses.lock().unwrap().extend(statuses);
    }

    /// Says something else from now on.
    pub(crate) fn say(&self, body: &'static str) {
        *self.behaviour.body.lock().unwrap() = body;
    }

    /// Waits for the next message, decrypted.
    pub(crate) async fn next(&mut self) -> String {
        self.messages.recv().await.unwrap()
    }

    /// Stops, and returns the messages that nobody has looked at.
    pub(crate) async fn rest(mut self) -> Vec<String> {
        self.server.stop(true).await;
        let mut rest = Vec::new();
        while let Ok(message) = self.messages.try_recv() {
            rest.push(message);
        }
        rest
    }
}

async fn echo(request: HttpRequest, behaviour: Data<Behaviour>) -> HttpResponse {
    let query = Query::parse(request.query_string()).unwrap();
    let plain = open_get(&behaviour.credentials, &query).unwrap();
    plain.expect_receiver(&[&behaviour.owner]).unwrap();
    HttpResponse::Ok().body(plain.message)
}

async fn take(request: HttpRequest, body: Bytes, behaviour: Data<Behaviour>) -> HttpResponse {
    let query = Query::parse(request.query_string()).unwrap();
    let Ok(plain) = open_post(&behaviour.credentials, &query, &body) else {
        return HttpResponse::Forbidden().finish();
    };
    assert!(behaviour.receivers.contains(&plain.receiver), "{}", plain.receiver);
    assert_eq!(Envelope::parse(&body).unwrap().to_user_name.as_ref(), Some(&plain.receiver));
    let message = String::from_utf8(plain.message).unwrap();
    let named = text_of(&message, "SuiteId").or_else(|| text_of(&message, "ToUserName"));
    assert!(named.is_none_or(|named| named == plain.receiver), "{message}");
    // Whoever has got the message may change what is answered to the next one.
    let status = behaviour.statuses.lock().unwrap().pop_front().unwrap_or(200);
    let body = *behaviour.body.lock().unwrap();
    behaviour.messages.send(message).ok();
    HttpResponse::build(status.try_into().unwrap()).body(body)
}

/// Reads the text of an element.
pub(crate) fn text_of<'a>(xml: &'a str, element: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{element}>"))?;
    let (text, _) = rest.split_once(&format!("</{element}>"))?;
    Some(text.trim_start_matches("<![CDATA[").trim_end_matches("]]>"))
}
