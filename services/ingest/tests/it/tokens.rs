//! Access tokens: one request to WeCom, however many ask; secrets stay here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::web::{Data, Query};
use actix_web::{App, HttpResponse, HttpServer, get};
use futures::future::join_all;
use reqwest::Method;
use scrm_process::Service as _;
use scrm_wecom::client::token::{TokenError, TokenSource as _};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{TestIngest, Wecom};

/// A WeCom that gives a new token to each request.
struct Giver {
    url: String,
    asked: Arc<AtomicU32>,
}

#[derive(Deserialize)]
struct Asked {
    corpid: String,
    corpsecret: String,
}

#[get("/cgi-bin/gettoken")]
async fn give(asked: Query<Asked>, count: Data<AtomicU32>) -> HttpResponse {
    let number = count.fetch_add(1, Ordering::SeqCst) + 1;
    // Long enough for others to ask meanwhile.
    tokio::time::sleep(Duration::from_millis(50)).await;
    HttpResponse::Ok().json(match asked.corpsecret.as_str() {
        "app-secret-9" => json!({"errcode": 40001, "errmsg": "invalid credential, hint: [1]"}),
        secret => json!({
            "errcode": 0, "errmsg": "ok", "expires_in": 7200,
            "access_token": format!("{}-{secret}-{number}", asked.corpid),
        }),
    })
}

impl Giver {
    fn start() -> Self {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Data::from(Arc::clone(&asked));
        let server = HttpServer::new(move || App::new().app_data(count.clone()).service(give))
            .workers(1)
            .disable_signals()
            .bind("127.0.0.1:0")
            .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        Self { url, asked }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    async fn connect(&self, ingest: &TestIngest, wecom: &Wecom) {
        let mut connection = wecom.connection();
        connection["api_url"] = json!(self.url);
        let path = format!("/api/v1/ingest/apps/{}", wecom.app);
        let (status, body) = ingest.admin().put(&path, &connection).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["api_url"], json!(self.url));
    }
}

#[tokio::test]
async fn many_who_ask_at_once_in_several_processes_cause_one_request() {
    let (ingest, giver) = (TestIngest::start().await, Giver::start());
    giver.connect(&ingest, &Wecom::of("demo", 1)).await;
    let (other, _server) = ingest.replica().await;

    let sources = [ingest.app(), other.app()];
    let ask = |n: usize| {
        let source = &sources[n % 2];
        async move { source.grant(ingest.corp, None).await.unwrap() }
    };
    let grants = join_all((0..16).map(ask)).await;
    assert_eq!(giver.asked(), 1);
    let [first, ..] = grants.as_slice() else { panic!("sixteen asked") };
    assert!(grants.iter().all(|grant| grant == first));
    assert_eq!(first.token.expose(), "ww00000000000000c1-app-secret-1-1");
    assert_eq!((first.app.as_str(), first.agent_id), ("demo", 1_000_002));
    assert_eq!(
        (first.base_url.as_str(), first.expires_at),
        (giver.url.as_str(), ingest.clock.now() + Duration::from_hours(2))
    );
    other.close().await.unwrap();
    ingest.finish().await;
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_an_older_refusal_changes_nothing() {
    let (ingest, giver) = (TestIngest::start().await, Giver::start());
    giver.connect(&ingest, &Wecom::of("demo", 1)).await;
    let source = ingest.app();

    let refused = source.grant(ingest.corp, Some("demo")).await.unwrap();
    for outcome in join_all((0..10).map(|_| source.invalidate(&refused))).await {
        outcome.unwrap();
    }
    let renewed = source.grant(ingest.corp, Some("demo")).await.unwrap();
    assert_ne!(renewed.token, refused.token);
    source.invalidate(&refused).await.unwrap();
    assert_eq!(source.grant(ingest.corp, Some("demo")).await.unwrap(), renewed);
    assert_eq!(giver.asked(), 2);

    ingest.clock.advance(Duration::from_secs(7200 - 300 - 1));
    assert_eq!(source.grant(ingest.corp, None).await.unwrap(), renewed);
    ingest.clock.advance(Duration::from_secs(2));
    assert_ne!(source.grant(ingest.corp, None).await.unwrap().token, renewed.token);
    ingest.finish().await;
}

#[tokio::test]
async fn new_secrets_end_the_token_of_the_old_ones() {
    let (ingest, giver) = (TestIngest::start().await, Giver::start());
    let mut wecom = Wecom::of("demo", 1);
    giver.connect(&ingest, &wecom).await;
    ingest.app().grant(ingest.corp, None).await.unwrap();

    wecom.secret = "app-secret-2".to_owned();
    giver.connect(&ingest, &wecom).await;
    let grant = ingest.app().grant(ingest.corp, None).await.unwrap();
    assert_eq!(grant.token.expose(), "ww00000000000000c1-app-secret-2-2");

    // Another WeCom does not know the token of this one.
    let elsewhere = Giver::start();
    elsewhere.connect(&ingest, &wecom).await;
    assert_eq!(ingest.app().grant(ingest.corp, None).await.unwrap().base_url, elsewhere.url);
    assert_eq!(elsewhere.asked(), 1);
    ingest.finish().await;
}

#[tokio::test]
async fn why_there_is_no_token_is_said() {
    let (ingest, giver) = (TestIngest::start().await, Giver::start());
    assert_eq!(ingest.app().grant(ingest.corp, None).await, Err(TokenError::NotConnected));
    giver.connect(&ingest, &Wecom::of("demo", 9)).await;
    for app in [Some("other"), Some("Not A Name")] {
        assert_eq!(ingest.app().grant(ingest.corp, app).await, Err(TokenError::NotConnected));
    }
    let refused = ingest.app().grant(ingest.corp, None).await;
    let expected = TokenError::Refused { errcode: 40001, errmsg: "invalid credential".to_owned() };
    assert_eq!(refused, Err(expected.clone()));
    // The turn has ended: the next one asks at once.
    assert_eq!(ingest.app().grant(ingest.corp, None).await, Err(expected));
    assert_eq!(giver.asked(), 2);
    ingest.finish().await;
}

#[tokio::test]
async fn only_services_of_the_installation_get_tokens_over_http() {
    let (ingest, giver) = (TestIngest::start().await, Giver::start());
    giver.connect(&ingest, &Wecom::of("demo", 1)).await;
    let body = json!({"corp_id": ingest.corp, "app": "demo"});

    for client in [ingest.server.stranger(), ingest.admin(), ingest.server.bearer("x")] {
        assert_eq!(client.post("/internal/v1/tokens", &body).await.0, 401);
        assert_eq!(client.send(Method::GET, "/internal/v1/nothing", "").await.status, 401);
    }
    let service = ingest.server.service();
    let (status, grant) = service.post("/internal/v1/tokens", &body).await;
    assert_eq!((status, &grant["token"]), (200, &json!("ww00000000000000c1-app-secret-1-1")));
    let (status, _) = ingest.server.service().get("/api/v1/ingest/apps").await;
    assert_eq!(status, 401, "a service is no person");

    let refused = json!({"corp_id": ingest.corp, "app": "demo", "token": grant["token"]});
    let (status, _) = service.post("/internal/v1/tokens/invalidate", &refused).await;
    assert_eq!(status, 204);
    let (_, renewed) = service.post("/internal/v1/tokens", &body).await;
    assert_eq!(renewed["token"], "ww00000000000000c1-app-secret-1-2");
    let (status, failure) =
        service.post("/internal/v1/tokens", &json!({"corp_id": ingest.corp, "app": "x"})).await;
    assert_eq!((status, &failure["code"]), (404, &json!("wecom_app_not_connected")));
    ingest.finish().await;
}

#[tokio::test]
async fn secrets_are_sent_to_no_address_that_anybody_could_read() {
    let ingest = TestIngest::start().await;
    for url in ["http://wecom.example", "ftp://127.0.0.1", "https://wecom.example/path", "x"] {
        let mut connection = Wecom::of("demo", 1).connection();
        connection["api_url"] = Value::from(url);
        let (status, problem) = ingest.admin().put("/api/v1/ingest/apps/demo", &connection).await;
        assert_eq!((status, &problem["fields"][0]["field"]), (422, &json!("api_url")), "{problem}");
    }
    ingest.finish().await;
}
