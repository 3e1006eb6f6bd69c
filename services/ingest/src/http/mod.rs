//! Routes.

mod apps;
mod callback;
mod callbacks;
mod dto;
mod hooks;
mod lead_dto;
mod lead_sources;
mod reconciliation_dto;
mod reconciliations;
mod suite_dto;
mod suites;
mod tokens;

use actix_web::{HttpResponse, web};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Error;

impl actix_web::ResponseError for Error {
    fn error_response(&self) -> HttpResponse {
        scrm_http::respond(self)
    }
}

/// Adds the routes of this service.
pub(crate) fn routes(config: &mut ServiceConfig) {
    // In the order in which they are asked whether a request is theirs: the busiest first.
    config.service(callback::receive).service(callback::verify).service(hooks::receive).service(
        utoipa_actix_web::scope("/api/v1/ingest")
            .service(apps::list)
            .service(apps::connect)
            .service(apps::set_callback)
            .service(callbacks::list)
            .service(callbacks::replay)
            .service(lead_sources::list)
            .service(lead_sources::put_one)
            .service(reconciliations::begin)
            .service(reconciliations::list)
            .service(reconciliations::read)
            .service(reconciliations::confirm)
            .service(suites::list)
            .service(suites::put_one)
            .service(suites::authorizations)
            .service(suites::errands),
    );
    // No part of the public contract, so not of its document either.
    config.map(|config| {
        config
            .service(web::resource("/callback/wecom/{app}").to(callback::not_authentic))
            .service(web::scope("/internal/v1").service(tokens::grant).service(tokens::invalidate))
    });
}
