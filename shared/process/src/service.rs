//! What a service is to the process that runs it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use scrm_config::ConfigError;
use scrm_db::Database;
use scrm_http::{Routes, Tokens};
use scrm_kernel::{Clock, KeyRing, Lifecycle};
use scrm_media::MediaStore;
use scrm_mq::Broker;
use scrm_wecom::client::Client;
use scrm_wecom::client::token::TokenSource;
use sea_orm::DbErr;
use utoipa::openapi::OpenApi;

/// What a service is started with. Which shape it runs in does not show.
#[derive(Clone)]
pub struct Setup {
    /// Where it keeps its rows.
    pub database: Database,
    /// Where events come from and go to.
    pub broker: Broker,
    /// The keys that seal personal data.
    pub keys: KeyRing,
    /// Signs and checks the tokens of the HTTP API.
    pub tokens: Tokens,
    /// Speaks with WeCom; one for all services of a process, because the limits are counted in it.
    pub wecom: Client,
    /// Where files are kept; a service takes its own part of it.
    pub media: MediaStore,
    /// What time it is.
    pub clock: Clock,
    /// The tasks of the process.
    pub lifecycle: Lifecycle,
    /// `scrm.toml`, where the service's own section may stand.
    pub file: Option<PathBuf>,
}

/// A service: started on a set-up, it works until the lifecycle stops.
#[async_trait]
pub trait Service: Sized + Send + Sync + 'static {
    /// Its name, which is also its section in `scrm.toml` and the part of its routes after `/api/v1/`.
    const NAME: &'static str;

    /// Looks whether its section of `scrm.toml` and the environment can be used; most services have no keys of their own.
    fn check_section(file: Option<&Path>) -> Result<(), ConfigError> {
        scrm_config::expect_no_keys(Self::NAME, file)
    }

    /// Brings its tables up to date, then consumes and relays until the process stops.
    async fn start(setup: Setup) -> anyhow::Result<Self>;

    /// Returns its routes.
    fn routes(&self) -> Routes;

    /// Returns where the process gets access tokens from, if it is this service that makes them.
    fn tokens(&self) -> Option<Arc<dyn TokenSource>> {
        None
    }

    /// Closes its database; call it when everything else has stopped.
    async fn close(self) -> Result<(), DbErr>;

    /// Brings its tables up to date.
    async fn migrate(database: &Database, clock: Clock) -> Result<(), DbErr>;

    /// Returns the names of the steps that bring its tables up to date, in order.
    fn migrations() -> Vec<String>;

    /// Returns its OpenAPI document.
    fn openapi() -> OpenApi;
}
