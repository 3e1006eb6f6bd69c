//! Routes.

mod customers;
mod dto;
mod tag_dto;
mod tags;

use actix_web::HttpResponse;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::Error;

impl actix_web::ResponseError for Error {
    fn error_response(&self) -> HttpResponse {
        scrm_http::respond(self)
    }
}

/// Adds the routes of this service.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/api/v1/customers")
            .service(customers::list)
            .service(customers::read)
            .service(customers::timeline)
            .service(tags::set)
            .service(tags::create)
            .service(tags::read)
            .service(tags::groups),
    );
}
