//! A running service, and WeCom as it calls one app of it.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use reqwest::Method;
use scrm_db::Db;
use scrm_http::Patience;
use scrm_ingest::{App, Ingest};
use scrm_kernel::{Clock, CorpId, KeyRing, Lifecycle, MessageId, Timestamp};
use scrm_mq::topology::INGEST_PROFILE;
use scrm_process::{Deferred, Service as _, Setup};
use scrm_testing::{Client, Reply, TestBroker, TestDatabase, TestServer, TestWecom, eventually};
use scrm_wecom::callback::{AesKey, Credentials, envelope_xml, random_prefix};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// Where the app `demo` is called.
pub(crate) const DEMO: &str = "/callback/wecom/demo";

/// The service with its own database, broker and port.
pub(crate) struct TestIngest {
    pub(crate) clock: Clock,
    pub(crate) broker: TestBroker,
    pub(crate) server: TestServer,
    /// The first enterprise, which is there from the start.
    pub(crate) corp: CorpId,
    pub(crate) keys: KeyRing,
    database: TestDatabase,
    folder: TempDir,
    ingest: Ingest,
    lifecycle: Lifecycle,
}

impl TestIngest {
    /// Starts the service with no app connected.
    pub(crate) async fn start() -> Self {
        Self::start_with(scrm_testing::clock(), None).await
    }

    /// Starts the service by the clock of a simulated WeCom; it calls WeCom with its own tokens.
    pub(crate) async fn with_wecom(wecom: &TestWecom) -> Self {
        Self::start_with(wecom.clock(), Some(Deferred::default())).await
    }

    async fn start_with(clock: Clock, tokens: Option<Deferred>) -> Self {
        let (lifecycle, keys) = (Lifecycle::new(), KeyRing::generate());
        let database = TestDatabase::new("ingest").await;
        let broker = TestBroker::start(&[INGEST_PROFILE], clock.clone()).await;
        let wecom = match &tokens {
            Some(tokens) => Some(scrm_testing::wecom(Arc::new(tokens.clone()), &clock).await),
            None => None,
        };
        let folder = configured();
        let ingest = started(&database, &keys, &clock, &broker, &lifecycle, &folder, wecom).await;
        if let Some(tokens) = tokens {
            tokens.set(ingest.app());
        }
        let server = TestServer::start(vec![ingest.routes()], clock.clone(), &lifecycle);
        let corp = ingest.app().corps().await.unwrap()[0].id;
        Self { clock, broker, server, corp, keys, database, folder, ingest, lifecycle }
    }

    /// Starts the service with the app `demo` connected.
    pub(crate) async fn connected() -> (Self, Wecom) {
        let (ingest, wecom) = (Self::start().await, Wecom::of("demo", 1));
        let (status, answer) = ingest.connect(&wecom).await;
        assert_eq!(status, 200, "{answer}");
        (ingest, wecom)
    }

    /// Starts one more process of the service on the same database.
    pub(crate) async fn replica(&self) -> (Ingest, TestServer) {
        let (keys, clock) = (&self.keys, &self.clock);
        let (lifecycle, folder) = (&self.lifecycle, &self.folder);
        let ingest = started(&self.database, keys, clock, &self.broker, lifecycle, folder, None).await;
        let server = TestServer::start(vec![ingest.routes()], self.clock.clone(), &self.lifecycle);
        (ingest, server)
    }

    /// Answers at one more port, and waits there no longer than this for what it is sent.
    pub(crate) fn with_patience(&self, patience: Patience) -> TestServer {
        TestServer::with_patience(patience, vec![self.ingest.routes()], self.clock.clone(), &self.lifecycle)
    }

    /// Returns the use cases.
    pub(crate) fn app(&self) -> Arc<App> {
        self.ingest.app()
    }

    pub(crate) fn admin(&self) -> Client {
        self.server.admin(self.corp)
    }

    /// Connects an app as an administrator does.
    pub(crate) async fn connect(&self, wecom: &Wecom) -> (u16, Value) {
        self.admin().put(&format!("/api/v1/ingest/apps/{}", wecom.app), &wecom.connection()).await
    }

    /// Sends a callback of WeCom's.
    pub(crate) async fn call(&self, callback: &Signed) -> Reply {
        self.server.stranger().send(Method::POST, &callback.path, callback.body.clone()).await
    }

    /// Sends a callback that must be taken in.
    pub(crate) async fn take(&self, callback: &Signed) {
        let reply = self.call(callback).await;
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{reply:?}");
    }

    /// Sends what a suite is told; WeCom wants to hear that it was understood.
    pub(crate) async fn take_told(&self, callback: &Signed) {
        let reply = self.call(callback).await;
        assert_eq!((reply.status, reply.body.as_slice()), (200, &b"success"[..]), "{reply:?}");
    }

    /// Returns what is listed under a query, newest first.
    pub(crate) async fn callbacks(&self, query: &str) -> Vec<Value> {
        self.listed(&format!("callbacks?{query}")).await
    }

    /// Returns the dead letters under a query, newest first.
    pub(crate) async fn letters(&self, query: &str) -> Vec<Value> {
        self.listed(&format!("dead-letters?{query}")).await
    }

    async fn listed(&self, path: &str) -> Vec<Value> {
        let (status, page) = self.admin().get(&format!("/api/v1/ingest/{path}")).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().clone()
    }

    /// Returns how many callbacks have their body still.
    pub(crate) async fn bodies(&self) -> i64 {
        let db = Db::peek(self.database.database(), self.clock.clone()).await.unwrap();
        let text = "SELECT count(*) AS bodies FROM callback WHERE length(body) > 0";
        let statement = Statement::from_string(db.reader().get_database_backend(), text);
        let row = db.reader().query_one_raw(statement).await.unwrap().unwrap();
        let bodies = row.try_get("", "bodies").unwrap();
        db.close().await.unwrap();
        bodies
    }

    /// Keeps callbacks and forms from being stored, or lets them be stored again.
    pub(crate) async fn lose_tables(&self, is_lost: bool) {
        for table in ["callback", "submission"] {
            let lost = format!("lost_{table}");
            let (from, to) = if is_lost { (table, lost.as_str()) } else { (lost.as_str(), table) };
            self.database.meddle(&format!("ALTER TABLE {from} RENAME TO {to}")).await;
        }
    }

    /// Waits until every stored callback is processed or known to be impossible; returns them, newest first.
    pub(crate) async fn processed(&self) -> Vec<Value> {
        let rows = eventually("all callbacks processed", async || {
            let rows = self.callbacks("state=stored&limit=200").await;
            let is_done = |row: &Value| !row["processed_at"].is_null() || !row["problem"].is_null();
            rows.iter().all(is_done).then_some(rows)
        })
        .await;
        self.broker.settled().await;
        rows
    }

    pub(crate) async fn finish(self) {
        self.lifecycle.stop();
        assert!(self.lifecycle.finish(PATIENCE).await, "a task of the service failed");
        self.ingest.close().await.unwrap();
        self.broker.finish().await;
        self.database.finish().await;
    }
}

/// Returns a folder with a configuration by which nothing is compared with WeCom unless a test orders it.
fn configured() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("scrm.toml"), "[ingest]\nreconcile_every_s = 0\n").unwrap();
    folder
}

async fn started(
    database: &TestDatabase,
    keys: &KeyRing,
    clock: &Clock,
    broker: &TestBroker,
    lifecycle: &Lifecycle,
    folder: &TempDir,
    wecom: Option<scrm_wecom::client::Client>,
) -> Ingest {
    let file = Some(folder.path().join("scrm.toml"));
    let setup = scrm_testing::setup(database, broker, clock, lifecycle).await;
    let setup = Setup { keys: keys.clone(), file, ..setup };
    let wecom = wecom.unwrap_or_else(|| setup.wecom.clone());
    let setup = Setup { wecom, ..setup };
    Ingest::start(setup).await.unwrap()
}

/// WeCom, as far as it knows one app.
#[derive(Clone)]
pub(crate) struct Wecom {
    pub(crate) app: &'static str,
    pub(crate) corp_id: &'static str,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) key: [u8; 32],
}

/// A callback ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

impl Wecom {
    /// Returns an app whose secrets follow from `number`.
    pub(crate) fn of(app: &'static str, number: u8) -> Self {
        Self {
            app,
            corp_id: "ww00000000000000c1",
            secret: format!("app-secret-{number}"),
            token: format!("callbackToken{number}"),
            key: [number; 32],
        }
    }

    /// Returns the `EncodingAESKey`.
    pub(crate) fn encoding_aes_key(&self) -> String {
        STANDARD_NO_PAD.encode(self.key)
    }

    /// Returns what an administrator types in.
    pub(crate) fn connection(&self) -> Value {
        json!({
            "wecom_corp_id": self.corp_id, "kind": "self_built", "agent_id": 1_000_002, "secret": self.secret,
            "token": self.token, "encoding_aes_key": self.encoding_aes_key(),
        })
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::new(&self.token, AesKey::parse(&self.encoding_aes_key()).unwrap()).unwrap()
    }

    /// Encrypts a message with a random prefix of its own.
    pub(crate) fn encrypted(&self, message: &[u8]) -> String {
        self.credentials().encrypt(random_prefix(), message, self.corp_id)
    }

    /// Encrypts plaintext blocks, whatever they hold.
    pub(crate) fn encrypted_blocks(&self, mut blocks: Vec<u8>) -> String {
        let key = UnboundCipherKey::new(&AES_256, &self.key).unwrap();
        let start = <[u8; 16]>::try_from(&self.key[..16]).unwrap();
        let context = EncryptionContext::Iv128(FixedLength::from(start));
        EncryptingKey::cbc(key).unwrap().less_safe_encrypt(&mut blocks, context).unwrap();
        STANDARD.encode(blocks)
    }

    /// Returns the query string of a ciphertext signed at `second`.
    pub(crate) fn query(&self, second: &str, nonce: &str, encrypt: &str) -> String {
        let signature = self.credentials().sign(second, nonce, encrypt);
        format!("msg_signature={signature}&timestamp={second}&nonce={nonce}")
    }

    /// Signs a message as WeCom does.
    pub(crate) fn callback(&self, at: Timestamp, message: impl AsRef<[u8]>) -> Signed {
        self.sealed(&at.timestamp().to_string(), "1372623149", &self.encrypted(message.as_ref()))
    }

    /// Puts a signed ciphertext into an envelope.
    pub(crate) fn sealed(&self, second: &str, nonce: &str, encrypt: &str) -> Signed {
        let body = envelope_xml(self.corp_id, Some("1000002"), encrypt);
        self.enveloped(second, nonce, encrypt, body)
    }

    /// Signs a ciphertext and sends any body with it.
    pub(crate) fn enveloped(
        &self,
        second: &str,
        nonce: &str,
        encrypt: &str,
        body: impl Into<Vec<u8>>,
    ) -> Signed {
        let path = format!("/callback/wecom/{}?{}", self.app, self.query(second, nonce, encrypt));
        Signed { path, body: body.into() }
    }
}

/// A customer of `member`, as WeCom tells of it.
pub(crate) fn added(change_type: &str, member: &str, customer: &str, at: Timestamp) -> String {
    let time = at.timestamp();
    format!(
        "<xml><ToUserName><![CDATA[ww00000000000000c1]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName>\
         <CreateTime>{time}</CreateTime><MsgType><![CDATA[event]]></MsgType>\
         <Event><![CDATA[change_external_contact]]></Event><ChangeType><![CDATA[{change_type}]]></ChangeType>\
         <UserID><![CDATA[{member}]]></UserID><ExternalUserID><![CDATA[{customer}]]></ExternalUserID>\
         <State><![CDATA[spring-fair]]></State><WelcomeCode><![CDATA[welcome-code-1]]></WelcomeCode></xml>"
    )
}

/// Returns the id that the event of a message has.
pub(crate) fn message_id_of(message: &str) -> MessageId {
    let (_, rest) = message.split_once("<CreateTime>").unwrap_or_default();
    let second: u32 = rest.split('<').next().and_then(|digits| digits.parse().ok()).unwrap_or_default();
    let hash = digest(&SHA256, message.as_bytes());
    MessageId::of_hash(&[&second.to_be_bytes(), hash.as_ref()].concat())
}
