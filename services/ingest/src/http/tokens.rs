//! Access tokens for the other services of the installation. Only they are let in; see `scrm_wecom::client::token::wire`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, post};
use scrm_wecom::client::token::wire::{FailureOut, GrantIn, GrantOut, InvalidateIn};
use scrm_wecom::client::token::{TokenError, TokenSource as _};

use crate::app::App;

#[post("/tokens")]
pub(super) async fn grant(app: Data<App>, body: Json<GrantIn>) -> HttpResponse {
    match app.grant(body.corp_id, body.app.as_deref()).await {
        Ok(grant) => HttpResponse::Ok().json(GrantOut::from(grant)),
        Err(error) => refuse(error),
    }
}

#[post("/tokens/invalidate")]
pub(super) async fn invalidate(app: Data<App>, body: Json<InvalidateIn>) -> HttpResponse {
    let InvalidateIn { corp_id, app: name, token } = body.into_inner();
    match app.drop_refused_token(corp_id, &name, &token).await {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => refuse(error),
    }
}

fn refuse(error: TokenError) -> HttpResponse {
    let failure = FailureOut::from(error);
    let status = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    HttpResponse::build(status).json(failure)
}
