//! Failures as `application/problem+json` (RFC 9457), all of one shape.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder};
use scrm_kernel::{Classify, ErrorKind, FieldError};
use serde::Serialize;

tokio::task_local! {
    /// The id of the request being answered.
    pub(crate) static REQUEST_ID: String;
}

/// The body of every failure.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// A URI reference that names the sort of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stable `snake_case` code; what clients decide on.
    pub code: &'static str,
    /// The sort of problem, in words.
    pub title: &'static str,
    /// What went wrong this time.
    pub detail: String,
    /// The fields at fault, if fields are at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
    /// Stands in the log line of the request too.
    pub request_id: Option<String>,
}

const fn status_of(kind: ErrorKind) -> (StatusCode, &'static str) {
    match kind {
        ErrorKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "The request is not valid"),
        ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "Sign in first"),
        ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "Not allowed"),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        ErrorKind::Conflict => (StatusCode::CONFLICT, "Not possible in this state"),
        ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable"),
        ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
    }
}

/// Renders a service's error; an internal one says nothing to the client and is logged with its causes.
pub fn respond(error: &dyn Classify) -> HttpResponse {
    let (status, title) = status_of(error.kind());
    let detail = if error.kind() == ErrorKind::Internal {
        tracing::error!(error = %chain(error), code = error.code(), "Request failed");
        "The log of the server has the cause under this request id.".to_owned()
    } else {
        error.to_string()
    };
    render(status, error.code(), title, detail, error.fields())
}

/// Renders a failure that happened before any service was reached.
pub fn refuse(kind: ErrorKind, code: &'static str, detail: impl Into<String>) -> HttpResponse {
    let (status, title) = status_of(kind);
    render(status, code, title, detail.into(), Vec::new())
}

/// Renders a malformed request: what could not be read, and why.
pub fn malformed(status: StatusCode, code: &'static str, detail: String) -> HttpResponse {
    render(status, code, "The request cannot be read", detail, Vec::new())
}

/// Renders any failure.
pub(crate) fn render(
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    fields: Vec<FieldError>,
) -> HttpResponse {
    let request_id = REQUEST_ID.try_with(Clone::clone).ok();
    let problem = Problem { kind: format!("/problems/{code}"), code, title, detail, fields, request_id };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    HttpResponseBuilder::new(status).content_type("application/problem+json").body(body)
}

/// Returns an error and its causes in one line.
fn chain(error: &dyn Classify) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
