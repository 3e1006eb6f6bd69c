//! What every service offers those who keep it running: its dead letters, and sending again what was sent.

mod dto;
mod error;
mod http;

use std::sync::Arc;

use actix_web::web::Data;
use scrm_db::{Db, Outbox, Resend, retention};
use scrm_http::Routes;
use scrm_kernel::{CorpId, KeyRing, Lifecycle, Timestamp};
use scrm_mq::keeper::Office;
use scrm_mq::{Broker, Keeper};
use utoipa_actix_web::service_config::ServiceConfig;

use self::error::Error;

/// Most dead letters that one request redrives.
pub const MOST_REDRIVEN: usize = 1000;

/// The upkeep of a service.
pub struct Upkeep {
    service: &'static str,
    office: Office,
    db: Db,
    sent: Vec<Arc<dyn Resend>>,
}

impl Upkeep {
    /// Takes the service's dead letters out of the broker from now on. It sends again what is in its outbox.
    pub fn start(
        service: &'static str,
        db: &Db,
        keys: &KeyRing,
        broker: &Broker,
        lifecycle: &Lifecycle,
    ) -> Self {
        let keeper = Keeper::of(service, db.clone(), keys.clone());
        let office = keeper.office().clone();
        keeper.watch(lifecycle);
        lifecycle.spawn("dead letters", keeper.run(broker.clone(), lifecycle.clone()));
        Self { service, office, db: db.clone(), sent: vec![Arc::new(Outbox::of(db.clone()))] }
    }

    /// Has one more table sent again: one whose rows serve as an outbox.
    #[must_use]
    pub fn also_resending(mut self, table: impl Resend) -> Self {
        self.sent.push(Arc::new(table));
        self
    }

    /// Returns the routes. They come before those of the service, which would hide them.
    pub fn routes(self) -> Routes {
        let service = self.service;
        let desk = Data::new(Desk { office: self.office, db: self.db, sent: self.sent });
        Arc::new(move |config| add_routes(config, service, Some(&desk)))
    }
}

/// Returns the routes of a service for its document.
pub fn documented(service: &'static str) -> Routes {
    Arc::new(move |config| add_routes(config, service, None))
}

fn add_routes(config: &mut ServiceConfig, service: &str, desk: Option<&Data<Desk>>) {
    let letters = format!("/api/v1/{service}/dead-letters");
    let mut letters = utoipa_actix_web::scope(letters.as_str())
        .service(http::list)
        .service(http::redrive_all)
        .service(http::read)
        .service(http::redrive)
        .service(http::discard);
    let republish = format!("/api/v1/{service}/republish");
    let mut republish = utoipa_actix_web::scope(republish.as_str()).service(http::republish);
    // One process may have several services, so that this cannot be the data of the whole server.
    if let Some(desk) = desk {
        letters = letters.app_data(desk.clone());
        republish = republish.app_data(desk.clone());
    }
    config.service(letters).service(republish);
}

/// What the routes of one service work on.
struct Desk {
    office: Office,
    db: Db,
    sent: Vec<Arc<dyn Resend>>,
}

impl Desk {
    /// Has everything sent again that an enterprise's events were sent in since `since`; returns how much that is.
    async fn republish(&self, corp: CorpId, since: Timestamp) -> Result<u64, Error> {
        let now = self.db.clock().now();
        let oldest = now - retention::KEEP_SENT;
        if since < oldest {
            return Err(Error::TooOld(oldest));
        }
        if since >= now {
            return Err(Error::NotYet);
        }
        let mut republished = 0;
        for table in &self.sent {
            republished += table.resend(corp, &(since..now)).await?;
        }
        Ok(republished)
    }
}
