//! Routes.

mod calendar_dto;
mod calendars;
mod departments;
mod dto;
mod staff;

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
        utoipa_actix_web::scope("/api/v1/directory")
            .service(staff::list)
            .service(staff::read)
            .service(departments::list)
            .service(calendars::list)
            .service(calendars::create)
            .service(calendars::read)
            .service(calendars::change)
            .service(calendars::remove)
            .service(calendars::days)
            .service(calendars::prefer),
    );
}
