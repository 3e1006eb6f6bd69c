//! What a service under test is started with.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_http::Tokens;
use scrm_kernel::{Clock, CorpId, KeyRing, Lifecycle};
use scrm_media::MediaStore;
use scrm_process::Setup;
use scrm_wecom::client::http::Patience;
use scrm_wecom::client::token::{Grant, TokenError, TokenSource};
use scrm_wecom::client::{Client, Limits};

use crate::{TestBroker, TestDatabase, cache};

/// Returns the set-up of a service on a test's database and broker, with keys of its own and no WeCom.
pub async fn setup(
    database: &TestDatabase,
    broker: &TestBroker,
    clock: &Clock,
    lifecycle: &Lifecycle,
) -> Setup {
    let keys = KeyRing::generate();
    Setup {
        database: database.database().clone(),
        broker: broker.broker(),
        tokens: Tokens::new(&keys, clock.clone()),
        keys,
        wecom: wecom(Arc::new(NotConnected), clock).await,
        media: MediaStore::folder(database.files()).expect("a new folder can be used"),
        clock: clock.clone(),
        lifecycle: lifecycle.clone(),
        file: None,
    }
}

/// Returns a client that speaks with WeCom by the tokens of `source`, and counts its calls in a cache of its own.
pub async fn wecom(source: Arc<dyn TokenSource>, clock: &Clock) -> Client {
    let http = scrm_wecom::client::http::client(&Patience::default());
    let http = http.expect("a client without certificates of its own can be made");
    Client::new(http, source, Limits::default(), cache(clock.clone()).await, clock.clone())
}

/// No enterprise is connected to WeCom.
struct NotConnected;

#[async_trait]
impl TokenSource for NotConnected {
    async fn grant(&self, _: CorpId, _: Option<&str>) -> Result<Grant, TokenError> {
        Err(TokenError::NotConnected)
    }

    async fn invalidate(&self, _: &Grant) -> Result<(), TokenError> {
        Err(TokenError::NotConnected)
    }
}
