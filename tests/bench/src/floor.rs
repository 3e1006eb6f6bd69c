//! What the door does at least: the same web server, the same opening, the same disk, and nothing else.
//!
//! It says how much of the door's time its task takes, and how much everything beside it: routes, logs, metrics,
//! sealing, an inbox of copies, a relay. One level does a little more than the one before.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::web::{Bytes, Data, get, post};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::Context as _;
use async_trait::async_trait;
use clap::ValueEnum;
use scrm_config::variable;
use scrm_db::{BatchWrite, Batcher, Database, Db, Txn};
use scrm_kernel::Clock;
use scrm_wecom::callback::{AesKey, Credentials, MAX_BODY, Query, open_post};
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// Operations that share a transaction at most, as at the door of `scrm`.
const GROUP: usize = 256;
/// All that is stored of a callback.
const TABLE: &str = "CREATE TABLE kept (seq INTEGER PRIMARY KEY, message BLOB NOT NULL)";

/// How much is done before the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// The request is read.
    Read,
    /// It is also verified and decrypted.
    Open,
    /// The message is also on the disk.
    Store,
}

impl Level {
    /// All of them, the one that does least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Open, Self::Store];

    /// Returns its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Open => "open",
            Self::Store => "store",
        }
    }
}

/// There is nothing to migrate: the table is made anew each time.
struct NoMigrations;

impl MigratorTrait for NoMigrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}

/// Stores groups of messages.
struct Store;

#[async_trait]
impl BatchWrite for Store {
    type Op = Vec<u8>;
    type Out = ();

    async fn write(&self, txn: &Txn, messages: &[Vec<u8>]) -> Result<Vec<()>, DbErr> {
        let rows = vec!["(?)"; messages.len()].join(", ");
        let sql = format!("INSERT INTO kept (message) VALUES {rows}");
        let values = messages.iter().map(|message| message.clone().into());
        txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await?;
        Ok(vec![(); messages.len()])
    }
}

/// What a request meets.
struct Door {
    credentials: Credentials,
    receiver: String,
    level: Level,
    store: Batcher<Store>,
    answered: AtomicUsize,
}

impl Door {
    async fn take(&self, query: &str, body: &[u8]) -> anyhow::Result<()> {
        if self.level == Level::Read {
            return Ok(());
        }
        let plain = open_post(&self.credentials, &Query::parse(query)?, body)?;
        plain.expect_receiver(&[&self.receiver])?;
        if self.level == Level::Store {
            self.store.put(plain.message).await?;
        }
        Ok(())
    }
}

/// Serves one app's callbacks on a port until the process is ended. Environment: `CORP`, `TOKEN`, `AES_KEY`.
pub fn serve(level: Level, port: u16, folder: &Path) -> anyhow::Result<()> {
    let secret = |name: &str| variable(name).with_context(|| format!("{name} is not set"));
    let (receiver, key) = (secret("CORP")?, AesKey::parse(&secret("AES_KEY")?).context("AES_KEY")?);
    let credentials = Credentials::new(&secret("TOKEN")?, key).context("TOKEN")?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // One thread for what stores, and one for the web server beside it.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.context("the asynchronous runtime does not start")?.block_on(async {
        let db =
            Db::open::<NoMigrations>(&Database::File(folder.join("kept.sqlite")), Clock::system()).await?;
        let txn = db.begin().await?;
        txn.execute_unprepared(TABLE).await?;
        txn.commit().await?;
        let store = Batcher::start(db, Store, GROUP);
        let door = Arc::new(Door { credentials, receiver, level, store, answered: AtomicUsize::new(0) });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::from(Arc::clone(&door)))
                .app_data(actix_web::web::PayloadConfig::new(MAX_BODY))
                .route("/callback/wecom/{app}", post().to(receive))
                .route("/count", get().to(count))
        });
        server.workers(1).bind(address)?.run().await?;
        Ok(())
    })
}

async fn receive(door: Data<Door>, request: HttpRequest, body: Bytes) -> HttpResponse {
    match door.take(request.query_string(), &body).await {
        Ok(()) => {
            door.answered.fetch_add(1, Ordering::Relaxed);
            HttpResponse::Ok().finish()
        }
        Err(error) => HttpResponse::Forbidden().body(error.to_string()),
    }
}

async fn count(door: Data<Door>) -> HttpResponse {
    HttpResponse::Ok().body(door.answered.load(Ordering::Relaxed).to_string())
}
