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
use scrm_http::{Routes, Tokens};
use scrm_kernel::{Clock, CorpId, KeyRing, WecomUserId};
use scrm_process::{Service, Setup, Upkeep, upkeep};
use sea_orm::DbErr;
use sea_orm_migration::MigratorTrait as _;
use utoipa::openapi::OpenApi;

use crate::domain::staff::Member;

pub use crate::app::App;
use crate::app::Cost;

/// The running service.
pub struct Directory {
    app: Data<App>,
    db: Db,
    upkeep: Routes,
}

impl Directory {
    /// Starts it with hashes of passwords that cost as much as is said.
    pub async fn start_with(setup: Setup, cost: Cost) -> anyhow::Result<Self> {
        let Setup { database, broker, keys, tokens, clock, lifecycle, .. } = setup;
        let db = Db::open::<migration::Migrator>(&database, clock).await?;
        let app = Data::new(App::new(db.clone(), tokens, cost));
        app.hear_of_ended(None).await?;
        let upkeep = Upkeep::start(Self::NAME, &db, &keys, &broker, &lifecycle).routes();

        let roster = consumers::roster(&app, db.clone());
        lifecycle.spawn("directory.roster", roster.run(broker.clone(), lifecycle.clone()));
        let outbox = Relay::new(Outbox::of(db.clone()), Arc::new(broker));
        lifecycle.spawn("directory outbox", outbox.run(lifecycle.clone()));
        jobs::start(&app, &db, &lifecycle);
        retention::start(&db, &lifecycle);
        Ok(Self { app, db, upkeep })
    }

    /// Makes the one-time code with which the first administrator of an enterprise is made; none if it has an account.
    pub async fn make_setup_code(&self, corp: CorpId) -> Result<Option<String>, DbErr> {
        self.app.make_setup_code(corp).await
    }
}

#[async_trait]
impl Service for Directory {
    const NAME: &'static str = "directory";

    async fn start(setup: Setup) -> anyhow::Result<Self> {
        Self::start_with(setup, Cost::Usual).await
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
        scrm_http::document("Hongyan: directory", &[upkeep::documented(Self::NAME), Arc::new(http::routes)])
    }
}

/// Reads the member of an enterprise who has an id of WeCom's, also while another process runs the installation.
pub async fn member(
    database: &Database,
    clock: Clock,
    corp: CorpId,
    user: &WecomUserId,
) -> Result<Option<Member>, DbErr> {
    let db = Db::peek(database, clock).await?;
    let member = store::staff::holder(db.reader(), corp, user).await?;
    db.close().await?;
    Ok(member)
}

/// Makes the one-time code of an enterprise, beside the running processes of a distributed installation.
pub async fn make_setup_code(
    database: &Database,
    clock: Clock,
    keys: &KeyRing,
    corp: CorpId,
) -> Result<Option<String>, DbErr> {
    let db = Db::open::<migration::Migrator>(database, clock.clone()).await?;
    let code = App::new(db.clone(), Tokens::new(keys, clock), Cost::Usual).make_setup_code(corp).await?;
    db.close().await?;
    Ok(code)
}
