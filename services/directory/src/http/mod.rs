//! Routes.

mod calendar_dto;
mod calendars;
mod departments;
mod dto;
mod session;
mod session_dto;
mod staff;

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::{Error, seconds};

impl actix_web::ResponseError for Error {
    fn error_response(&self) -> HttpResponse {
        let mut response = scrm_http::respond(self);
        if let Self::TooManyTries(wait) = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds(*wait)));
        }
        response
    }
}

/// Adds the routes of this service.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(session::public_keys).service(
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
            .service(calendars::prefer)
            .service(session::sign_in)
            .service(session::refresh)
            .service(session::set_up)
            .service(session::sign_out)
            .service(session::sign_out_everywhere)
            .service(session::me),
    );
}
