//! Routes.

mod cards;
mod channel_dto;
mod channels;
mod dto;
mod greeting_dto;
mod greetings;
mod group_dto;
mod groups;
mod leads;
mod media;
mod media_dto;
mod transfer_dto;
mod transfers;

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
        utoipa_actix_web::scope("/api/v1/leads")
            .service(leads::list)
            .service(leads::read)
            .service(transfers::reassign)
            .service(transfers::list)
            .service(cards::list)
            .service(greetings::list)
            .service(greetings::put)
            .service(greetings::remove)
            .service(media::keep)
            .service(media::list)
            .service(media::read)
            .service(media::download)
            .service(media::remove)
            .service(channels::create)
            .service(channels::list)
            .service(channels::read)
            .service(channels::change)
            .service(channels::end)
            .service(groups::list)
            .service(groups::read)
            .service(groups::put_one),
    );
}
