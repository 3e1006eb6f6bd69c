//! The door: WeCom's callbacks. Its failures are the only ones without a problem body.

use std::time::Duration;

use actix_web::web::{Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use scrm_http::body::{self, Unread};
use scrm_wecom::callback::MAX_BODY;

use crate::app::{App, RawCallback, Refusal};

/// Callbacks answered, by outcome.
const CALLBACKS: &str = "scrm_callbacks_total";
/// How long a body may take; WeCom itself waits no longer for the answer.
const READ_TIME: Duration = Duration::from_secs(5);

/// Answers WeCom's check of a callback address.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_verify_callback", params(("app" = String, Path)), security(),
    responses((status = 200, description = "The decrypted echo"), (status = 403, description = "Not authentic"))
)]
#[get("/callback/wecom/{app}")]
pub(super) async fn verify(app: Data<App>, name: Path<String>, request: HttpRequest) -> HttpResponse {
    match app.verify_address(&name, request.query_string()).await {
        Ok(echo) => HttpResponse::Ok().content_type("text/plain").body(echo),
        Err(refusal) => refuse(&refusal),
    }
}

/// Takes in a callback of WeCom's.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_receive_callback", params(("app" = String, Path)), security(),
    responses(
        (status = 200, description = "On the disk; what tells a suite something is answered with the word success"),
        (status = 403, description = "Not authentic, or late"),
        (status = 413, description = "Over 1 MiB"),
        (status = 503, description = "Not stored: send it again"),
    )
)]
#[post("/callback/wecom/{app}")]
pub(super) async fn receive(
    app: Data<App>,
    name: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let body = match read(&request, payload).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let received_at = app.now();
    let raw = RawCallback { address: &name, query: request.query_string(), body: &body, received_at };
    let outcome = app.receive_callback(raw).await;
    metrics::counter!(CALLBACKS, "outcome" => outcome_of(&outcome)).increment(1);
    match outcome {
        Ok("") => HttpResponse::Ok().finish(),
        Ok(answer) => HttpResponse::Ok().content_type("text/plain").body(answer),
        Err(refusal) => refuse(&refusal),
    }
}

/// Answers any other method like a callback that is not authentic, whose body is read too.
pub(super) async fn not_authentic(request: HttpRequest, payload: Payload) -> HttpResponse {
    read(&request, payload).await.err().unwrap_or_else(|| HttpResponse::Forbidden().finish())
}

/// Reads a body, or answers for one that is too large, broken or slow.
async fn read(request: &HttpRequest, payload: Payload) -> Result<Bytes, HttpResponse> {
    body::read(request, payload, MAX_BODY, READ_TIME).await.map_err(|unread| match unread {
        Unread::TooLarge => HttpResponse::PayloadTooLarge().finish(),
        Unread::Broken | Unread::Slow => HttpResponse::Forbidden().finish(),
    })
}

const fn outcome_of(outcome: &Result<&'static str, Refusal>) -> &'static str {
    match outcome {
        Ok(_) => "stored",
        Err(Refusal::NotAuthentic(_)) => "not_authentic",
        Err(Refusal::Late) => "late",
        Err(Refusal::NotStored(_)) => "not_stored",
    }
}

/// A stranger cannot tell one refusal from another: always the same empty 403.
fn refuse(refusal: &Refusal) -> HttpResponse {
    match refusal {
        Refusal::NotAuthentic(reason) => {
            tracing::debug!(reason, "Refused a callback");
            HttpResponse::Forbidden().finish()
        }
        Refusal::Late => HttpResponse::Forbidden().finish(),
        Refusal::NotStored(reason) => {
            tracing::error!(reason, "Could not store a callback; WeCom will send it again");
            HttpResponse::ServiceUnavailable().finish()
        }
    }
}
