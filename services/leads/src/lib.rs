#![doc = include_str!("../README.md")]

pub mod app;
mod consumers;
pub mod domain;
mod http;
mod jobs;
mod migration;
mod store;

use std::sync::Arc;

use actix_web::web::Data;
use async_trait::async_trait;
use scrm_db::{Database, Db, Outbox, Relay, retention};
use scrm_http::Routes;
use scrm_kernel::Clock;
use scrm_process::{Service, Setup, Upkeep, upkeep};
use sea_orm::DbErr;
use sea_orm_migration::MigratorTrait as _;
use utoipa::openapi::OpenApi;

pub use crate::app::App;

/// The running service.
pub struct Leads {
    app: Data<App>,
    db: Db,
    upkeep: Routes,
}

#[async_trait]
impl Service for Leads {
    const NAME: &'static str = "leads";

    async fn start(setup: Setup) -> anyhow::Result<Self> {
        let Setup { database, broker, keys, wecom, media, clock, lifecycle, .. } = setup;
        let db = Db::open::<migration::Migrator>(&database, clock.clone()).await?;
        let app = Data::new(App::new(db.clone(), keys.clone(), wecom, media.of_service(Self::NAME)));
        let upkeep = Upkeep::start(Self::NAME, &db, &keys, &broker, &lifecycle).routes();

        let contacts = consumers::contacts(&app, db.clone());
        lifecycle.spawn("leads.contact", contacts.run(broker.clone(), lifecycle.clone()));
        let submissions = consumers::submissions(&app, keys, db.clone());
        lifecycle.spawn("leads.submission", submissions.run(broker.clone(), lifecycle.clone()));
        let customers = consumers::customers(&app, db.clone());
        lifecycle.spawn("leads.customer", customers.run(broker.clone(), lifecycle.clone()));
        let staff = consumers::staff(&app, db.clone());
        lifecycle.spawn("leads.staff", staff.run(broker.clone(), lifecycle.clone()));
        let welcomes = consumers::welcomes(&app, db.clone());
        lifecycle.spawn("leads.welcome", welcomes.run(broker.clone(), lifecycle.clone()));
        let channels = consumers::channels(&app, db.clone());
        lifecycle.spawn("leads.channel", channels.run(broker.clone(), lifecycle.clone()));
        let cards = consumers::cards(&app, db.clone());
        lifecycle.spawn("leads.card", cards.run(broker.clone(), lifecycle.clone()));
        let card_clicks = consumers::card_clicks(&app, db.clone());
        lifecycle.spawn("leads.card_click", card_clicks.run(broker.clone(), lifecycle.clone()));
        let card_answers = consumers::card_answers(&app, db.clone());
        lifecycle.spawn("leads.card_answer", card_answers.run(broker.clone(), lifecycle.clone()));
        let transfers = consumers::transfers(&app, db.clone());
        lifecycle.spawn("leads.transfer", transfers.run(broker.clone(), lifecycle.clone()));
        let outbox = Relay::new(Outbox::of(db.clone()), Arc::new(broker));
        lifecycle.spawn("leads outbox", outbox.run(lifecycle.clone()));
        retention::start(&db, &lifecycle);
        retention::start_answers(&db, &lifecycle);
        jobs::tune_channels::start(&app, &clock, &lifecycle);
        jobs::follow_transfers::start(&app, &clock, &lifecycle);
        jobs::drain_pool::start(&app, &clock, &lifecycle);
        jobs::renew_copies::start(&app, &clock, &lifecycle);
        jobs::forget_card_minutes::start(&db, &lifecycle);
        Ok(Self { app, db, upkeep })
    }

    fn routes(&self) -> Routes {
        let (app, upkeep) = (self.app.clone(), Arc::clone(&self.upkeep));
        Arc::new(move |config| {
            upkeep(config);
            config.app_data(app.clone());
            http::routes(config);
        })
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
        scrm_http::document("Hongyan: leads", &[upkeep::documented(Self::NAME), Arc::new(http::routes)])
    }
}

impl Leads {
    /// Returns the service's use cases, for the processes that hold it.
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }
}
