//! The server: it notes what it is asked, and answers by a script.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use async_trait::async_trait;
use futures::stream;
use scrm_cache::Cache;
use scrm_kernel::time::from_millis;
use scrm_kernel::{Clock, CorpId, Timestamp, WecomCorpId, WecomUserId};
use scrm_wecom::client::http::{self, Patience};
use scrm_wecom::client::token::{AccessToken, Grant, TokenError, TokenSource};
use scrm_wecom::client::{Client, Limits, Speaker};
use serde_json::{Value, json};
use tokio::sync::Barrier;

/// What every token of these tests begins with, and no text may hold.
pub(crate) const SECRET: &str = "secret-token";
/// How long tests wait that wait in vain; others have the default.
const SHORT: Duration = Duration::from_secs(2);

/// An answer of the server.
#[derive(Clone)]
pub(crate) enum Answer {
    Json(Value),
    Raw(u16, &'static str),
    /// Megabytes of blanks, announced or not.
    Blanks {
        megabytes: usize,
        is_announced: bool,
    },
    /// None at all.
    Silence,
}

/// A request as the server saw it.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Played {
    /// By path; the last answer stays.
    script: HashMap<String, VecDeque<Answer>>,
    expired_tokens: HashSet<String>,
    /// Where callers with an expired token meet before they are refused.
    meeting: Option<Arc<Barrier>>,
    seen: Vec<Seen>,
}

/// The server.
pub(crate) struct Server {
    pub(crate) url: String,
    played: Arc<Mutex<Played>>,
    running: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let played = Arc::new(Mutex::new(Played::default()));
        let state = Data::from(played.clone());
        let server =
            HttpServer::new(move || App::new().app_data(state.clone()).default_service(web::to(answer)));
        let server = server.workers(1).disable_signals().shutdown_timeout(0).listen(listener).unwrap().run();
        Self { url, played, running: tokio::spawn(server) }
    }

    /// Answers calls of `path` so, one after the other, and then always like the last.
    pub(crate) fn plays(&self, path: &str, answers: impl IntoIterator<Item = Answer>) -> &Self {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/cgi-bin/{path}") };
        self.played.lock().unwrap().script.insert(path, answers.into_iter().collect());
        self
    }

    /// Answers calls of `path` with this JSON.
    pub(crate) fn says(&self, path: &str, answer: Value) -> &Self {
        self.plays(path, [Answer::Json(answer)])
    }

    /// Answers calls of `path` with this code.
    pub(crate) fn refuses(&self, path: &str, errcode: i64) -> &Self {
        self.says(path, json!({"errcode": errcode, "errmsg": "no"}))
    }

    /// Refuses a token with 42001, once as many callers as `together` have come with it.
    pub(crate) fn expires(&self, token: &str, together: usize) {
        let mut played = self.played.lock().unwrap();
        played.expired_tokens.insert(token.to_owned());
        played.meeting = Some(Arc::new(Barrier::new(together)));
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.played.lock().unwrap().seen.clone()
    }

    /// Returns the body of the only request.
    pub(crate) fn body(&self) -> Value {
        let seen = self.seen();
        assert_eq!(seen.len(), 1);
        seen[0].json()
    }
}

async fn answer(request: HttpRequest, body: Bytes, played: Data<Mutex<Played>>) -> HttpResponse {
    let query = web::Query::<HashMap<String, String>>::from_query(request.query_string()).unwrap();
    let token = query.get("access_token").cloned().unwrap_or_default();
    let authorization =
        request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let path = request.path().to_owned();
    let (answer, meeting) = {
        let mut played = played.lock().unwrap();
        played.seen.push(Seen { path: path.clone(), query: query.into_inner(), authorization, body });
        let meeting = played.meeting.clone().filter(|_| played.expired_tokens.contains(&token));
        let script = played.script.get_mut(&path);
        let answer = script
            .and_then(|script| if script.len() > 1 { script.pop_front() } else { script.front().cloned() });
        (answer, meeting)
    };
    if let Some(meeting) = meeting {
        meeting.wait().await;
        return HttpResponse::Ok().json(json!({"errcode": 42001, "errmsg": "access_token expired"}));
    }
    match answer {
        None => HttpResponse::NotFound().finish(),
        Some(Answer::Json(value)) => HttpResponse::Ok().json(value),
        Some(Answer::Raw(status, body)) => {
            HttpResponse::build(StatusCode::from_u16(status).unwrap()).body(body)
        }
        Some(Answer::Blanks { megabytes, is_announced: true }) => {
            HttpResponse::Ok().body(" ".repeat(megabytes << 20))
        }
        Some(Answer::Blanks { megabytes, is_announced: false }) => {
            let megabyte = Bytes::from(" ".repeat(1 << 20));
            let chunks = (0..megabytes).map(move |_| Ok::<_, std::io::Error>(megabyte.clone()));
            HttpResponse::Ok().streaming(stream::iter(chunks))
        }
        Some(Answer::Silence) => std::future::pending().await,
    }
}

/// A source that counts what it is asked; every refused token is followed by a new one.
pub(crate) struct Mint {
    pub(crate) base_url: String,
    pub(crate) clock: Clock,
    pub(crate) granted: AtomicU32,
    pub(crate) invalidated: AtomicU32,
    is_disconnected: AtomicBool,
}

impl Mint {
    pub(crate) fn new(base_url: &str, clock: Clock) -> Arc<Self> {
        let base_url = base_url.to_owned();
        let (granted, invalidated) = (AtomicU32::new(0), AtomicU32::new(0));
        Arc::new(Self { base_url, clock, granted, invalidated, is_disconnected: AtomicBool::new(false) })
    }

    /// Gives no tokens any more.
    pub(crate) fn disconnect(&self) {
        self.is_disconnected.store(true, Ordering::SeqCst);
    }

    /// Returns how many grants were asked for, and how many tokens were reported.
    pub(crate) fn counts(&self) -> (u32, u32) {
        (self.granted.load(Ordering::SeqCst), self.invalidated.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl TokenSource for Mint {
    async fn grant(&self, corp: CorpId, app: Option<&str>) -> Result<Grant, TokenError> {
        self.granted.fetch_add(1, Ordering::SeqCst);
        if self.is_disconnected.load(Ordering::SeqCst) {
            return Err(TokenError::NotConnected);
        }
        let number = self.invalidated.load(Ordering::SeqCst);
        Ok(Grant {
            corp,
            app: app.unwrap_or("crm").to_owned(),
            wecom_corp: WecomCorpId::parse("ww5823bf96d3bd56c7").unwrap(),
            agent_id: 1_000_002,
            base_url: self.base_url.clone(),
            token: AccessToken::new(format!("{SECRET}-{number}")),
            expires_at: self.clock.now() + Duration::from_hours(2),
        })
    }

    async fn invalidate(&self, _grant: &Grant) -> Result<(), TokenError> {
        self.invalidated.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

pub(crate) fn start_of_time() -> Timestamp {
    from_millis(1_700_000_000_000)
}

pub(crate) fn corp() -> CorpId {
    CorpId::mint(start_of_time())
}

pub(crate) fn user(userid: &str) -> WecomUserId {
    WecomUserId::parse(userid).unwrap()
}

pub(crate) fn http_client() -> reqwest::Client {
    http::client(&Patience::default()).unwrap()
}

/// A client for servers that keep silent.
pub(crate) fn impatient_http_client() -> reqwest::Client {
    http::client(&Patience { exchange: SHORT, ..Patience::default() }).unwrap()
}

/// A client whose reads are repeated at once.
pub(crate) fn client(tokens: Arc<dyn TokenSource>, clock: Clock) -> Client {
    client_over(http_client(), tokens, clock)
}

fn client_over(http: reqwest::Client, tokens: Arc<dyn TokenSource>, clock: Clock) -> Client {
    let limits = Limits { repeat_pause_ms: 0, turn_ms: 0, ..Limits::default() };
    Client::new(http, tokens, limits, Cache::in_process("", clock.clone()), clock)
}

/// A server, a source of tokens, and one who speaks.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) mint: Arc<Mint>,
    pub(crate) clock: Clock,
    pub(crate) speaker: Speaker,
}

impl Scene {
    pub(crate) fn start() -> Self {
        Self::over(http_client())
    }

    /// A scene whose server answers a path so, with the patience that suits it.
    pub(crate) fn playing(path: &str, answer: Answer) -> Self {
        let is_silent = matches!(answer, Answer::Silence);
        let scene = Self::over(if is_silent { impatient_http_client() } else { http_client() });
        scene.server.plays(path, [answer]);
        scene
    }

    fn over(http: reqwest::Client) -> Self {
        let server = Server::start();
        let clock = Clock::mock(start_of_time());
        let mint = Mint::new(&server.url, clock.clone());
        let speaker = client_over(http, mint.clone(), clock.clone()).of(corp(), None);
        Self { server, mint, clock, speaker }
    }
}
