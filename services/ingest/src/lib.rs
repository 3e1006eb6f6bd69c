#![doc = include_str!("../README.md")]

pub mod app;
mod config;
pub mod domain;
mod http;
mod jobs;
mod migration;
mod relay;
mod store;

use std::sync::Arc;

use actix_web::web::Data;
use scrm_db::{Database, Db, Relay};
use scrm_http::Routes;
use scrm_kernel::{Clock, KeyRing, Lifecycle};
use scrm_mq::Broker;
use sea_orm::DbErr;
use utoipa::openapi::OpenApi;

pub use crate::app::App;
pub use crate::config::Config;
use crate::domain::connection::Corp;

/// The running service.
pub struct Ingest {
    app: Data<App>,
    db: Db,
}

impl Ingest {
    /// Opens the database, then relays what waits in it until the process stops.
    pub async fn start(
        config: Config,
        database: &Database,
        keys: KeyRing,
        clock: Clock,
        broker: Broker,
        lifecycle: &Lifecycle,
    ) -> Result<Self, DbErr> {
        let db = Db::open::<migration::Migrator>(database, clock).await?;
        let app = App::new(db.clone(), keys.clone(), config);
        app.ensure_first_corp().await?;

        let callbacks = Relay::new(relay::Callbacks { db: db.clone(), keys }, Arc::new(broker.clone()));
        lifecycle.spawn("ingest callbacks", callbacks.run(lifecycle.clone()));
        jobs::forget_callbacks::start(&db, lifecycle);
        Ok(Self { app: Data::new(app), db })
    }

    /// Returns the service's use cases, for the processes that hold it.
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// Returns the service's routes.
    pub fn routes(&self) -> Routes {
        let app = self.app.clone();
        Arc::new(move |config| {
            config.app_data(app.clone());
            http::routes(config);
        })
    }

    /// Closes the database; call it when everything else has stopped.
    pub async fn close(self) -> Result<(), DbErr> {
        self.db.close().await
    }
}

/// Returns the service's OpenAPI document.
pub fn openapi() -> OpenApi {
    scrm_http::document("Hongyan: ingest", &[Arc::new(http::routes)])
}

/// Brings the tables up to date.
pub async fn migrate(database: &Database, clock: Clock) -> Result<(), DbErr> {
    Db::open::<migration::Migrator>(database, clock).await?.close().await
}

/// Reads the enterprises of an installation, also while another process runs it; the first one comes first.
pub async fn corps(database: &Database, clock: Clock) -> Result<Vec<Corp>, DbErr> {
    let db = Db::peek(database, clock).await?;
    let corps = store::corp::all(db.reader()).await?;
    db.close().await?;
    Ok(corps)
}
