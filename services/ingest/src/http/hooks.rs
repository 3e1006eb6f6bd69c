//! The other door: leads that other systems of an enterprise send, signed.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use scrm_http::Problem;
use scrm_http::body::{self, Unread};
use scrm_http::problem::malformed;

use super::lead_dto::SubmittedOut;
use crate::app::{App, Error, RawSubmission};

/// Webhooks answered, by outcome.
const SUBMISSIONS: &str = "scrm_submissions_total";
/// Bytes of a body at most.
const MAX_BODY: usize = 256 * 1024;
/// How long a body may take.
const READ_TIME: Duration = Duration::from_secs(5);

/// Take in a lead.
///
/// `X-Scrm-Signature` is `v1=` and the HMAC-SHA256, in hex, of the timestamp, a full stop and the body, with the secret
/// of the source. 202 means that the submission is on the disk. The same id again gets the same answer.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_receive_submission", security(),
    params(
        ("source" = String, Path),
        ("X-Scrm-Timestamp" = i64, Header, description = "Unix time in seconds, within the last or next 5 minutes"),
        ("X-Scrm-Signature" = String, Header, description = "v1=<hex>"),
        ("X-Scrm-Id" = Option<String>, Header, description = "The sender's id; otherwise where the mapping says"),
    ),
    request_body(content = Value, description = "A JSON object of at most 256 KiB"),
    responses(
        (status = 202, body = SubmittedOut), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
#[post("/hooks/leads/{source}")]
pub(super) async fn receive(
    app: Data<App>,
    source: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Error> {
    let body = match body::read(&request, payload, MAX_BODY, READ_TIME).await {
        Ok(body) => body,
        Err(unread) => return Ok(refuse(unread)),
    };
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let raw = RawSubmission {
        source: &source,
        timestamp: header("X-Scrm-Timestamp"),
        signature: header("X-Scrm-Signature"),
        id: header("X-Scrm-Id"),
        body: &body,
        received_at: app.now(),
    };
    let outcome = app.receive_submission(raw).await;
    metrics::counter!(SUBMISSIONS, "outcome" => outcome_of(&outcome)).increment(1);
    Ok(HttpResponse::Accepted().json(SubmittedOut { id: outcome? }))
}

const fn outcome_of<T>(outcome: &Result<T, Error>) -> &'static str {
    match outcome {
        Ok(_) => "stored",
        Err(Error::NotSigned) => "not_signed",
        Err(Error::Invalid(_)) => "invalid",
        Err(Error::SubmissionChanged) => "changed",
        Err(_) => "not_stored",
    }
}

fn refuse(unread: Unread) -> HttpResponse {
    let (status, code, detail) = match unread {
        Unread::TooLarge => {
            let detail = format!("body: must not be larger than {} KiB", MAX_BODY / 1024);
            (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
        }
        Unread::Broken => (StatusCode::BAD_REQUEST, "bad_body", "body: has no end".to_owned()),
        Unread::Slow => (StatusCode::REQUEST_TIMEOUT, "slow_body", "body: took too long".to_owned()),
    };
    malformed(status, code, detail)
}
