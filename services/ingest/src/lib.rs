#![doc = include_str!("../README.md")]

pub mod app;
mod config;
mod consumers;
pub mod domain;
mod http;
mod jobs;
mod migration;
mod relay;
mod store;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use actix_web::web::Data;
use async_trait::async_trait;
use scrm_config::ConfigError;
use scrm_db::{Database, Db, Flood, Outbox, Relay, retention};
use scrm_http::Routes;
use scrm_kernel::Clock;
use scrm_process::{Service, Setup, Upkeep, upkeep};
use scrm_wecom::client::http::Patience;
use scrm_wecom::client::token::TokenSource;
use sea_orm::DbErr;
use sea_orm_migration::MigratorTrait as _;
use utoipa::openapi::OpenApi;

pub use crate::app::App;
use crate::app::{Reader, Reconciler};
pub use crate::config::Config;
use crate::domain::connection::Corp;

/// The running service.
pub struct Ingest {
    app: Data<App>,
    db: Db,
    upkeep: Routes,
}

#[async_trait]
impl Service for Ingest {
    const NAME: &'static str = "ingest";

    fn check_section(file: Option<&Path>) -> Result<(), ConfigError> {
        Config::load(file).map(drop)
    }

    async fn start(setup: Setup) -> anyhow::Result<Self> {
        let config = Config::load(setup.file.as_deref())?;
        Self::start_with(config, setup).await
    }

    fn routes(&self) -> Routes {
        let (app, upkeep) = (self.app.clone(), Arc::clone(&self.upkeep));
        Arc::new(move |config| {
            upkeep(config);
            config.app_data(app.clone());
            http::routes(config);
        })
    }

    fn tokens(&self) -> Option<Arc<dyn TokenSource>> {
        Some(self.app())
    }

    async fn close(self) -> Result<(), DbErr> {
        self.db.close().await
    }

    async fn migrate(database: &Database, clock: Clock) -> Result<(), DbErr> {
        Db::open::<migration::Migrator>(database, clock).await?.close().await
    }

    fn migrations() -> Vec<String> {
        let steps = migration::Migrator::migrations();
        steps.iter().map(|step| step.name().to_owned()).collect()
    }

    fn openapi() -> OpenApi {
        scrm_http::document("Hongyan: ingest", &[upkeep::documented(Self::NAME), Arc::new(http::routes)])
    }
}

impl Ingest {
    /// Opens the database, then relays what waits in it until the process stops.
    async fn start_with(config: Config, setup: Setup) -> anyhow::Result<Self> {
        let Setup { database, broker, keys, wecom, clock, lifecycle, .. } = setup;
        let db = Db::open::<migration::Migrator>(&database, clock).await?;
        let http = scrm_wecom::client::http::client(&Patience::default())?;
        let reconcile_every = config.reconcile_every();
        let flood = Arc::new(Flood::new(Instant::now()));
        let unkeyed = Arc::new(store::callback::Unkeyed::load(&db).await?);
        let app = App::new(db.clone(), keys.clone(), config, http, &flood, Arc::clone(&unkeyed));
        app.ensure_first_corp().await?;

        let app = Data::new(app);
        let upkeep = Upkeep::start(Self::NAME, &db, &keys, &broker, &lifecycle)
            .also_resending(relay::Callbacks::of(db.clone(), keys.clone(), Arc::clone(&unkeyed)))
            .also_resending(relay::Submissions { db: db.clone() });

        let callbacks = Relay::new(relay::Callbacks::of(db.clone(), keys, unkeyed), Arc::new(broker.clone()));
        let callbacks = callbacks.at_once().yielding_to(Arc::clone(&flood));
        lifecycle.spawn("ingest callbacks", callbacks.run(lifecycle.clone()));
        let submissions = Relay::new(relay::Submissions { db: db.clone() }, Arc::new(broker.clone()));
        let submissions = submissions.at_once().yielding_to(flood);
        lifecycle.spawn("ingest submissions", submissions.run(lifecycle.clone()));
        let outbox = Relay::new(Outbox::of(db.clone()), Arc::new(broker.clone()));
        lifecycle.spawn("ingest outbox", outbox.run(lifecycle.clone()));
        let reader = Arc::new(Reader::start(db.clone(), wecom));
        lifecycle.spawn("ingest looks", jobs::look::run(Arc::clone(&reader), lifecycle.clone()));
        jobs::look::start_forgetting(&reader, &lifecycle);
        lifecycle.spawn("ingest errands", jobs::errand::run(Arc::clone(&app), lifecycle.clone()));
        let reconciler = Arc::new(Reconciler::new(Arc::clone(&reader)));
        lifecycle.spawn("ingest reconcile", jobs::reconcile::run(Arc::clone(&reconciler), lifecycle.clone()));
        if let Some(every) = reconcile_every {
            jobs::reconcile::start_beginning(&reconciler, every, &lifecycle);
        }
        let profiles = consumers::profiles(&reader);
        lifecycle.spawn("ingest.profile", profiles.run(broker, lifecycle.clone()));
        retention::start(&db, &lifecycle);
        jobs::forget_callbacks::start(&db, &lifecycle);
        jobs::forget_submissions::start(&db, &lifecycle);
        jobs::forget_reconciliations::start(&db, &lifecycle);
        Ok(Self { app, db, upkeep: upkeep.routes() })
    }

    /// Returns the service's use cases, for the processes that hold it.
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }
}

/// Reads the enterprises of an installation, also while another process runs it; the first one comes first.
pub async fn corps(database: &Database, clock: Clock) -> Result<Vec<Corp>, DbErr> {
    let db = Db::peek(database, clock).await?;
    let corps = store::corp::all(db.reader()).await?;
    db.close().await?;
    Ok(corps)
}
