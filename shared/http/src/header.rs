//! The headers by which requests guard against doing too much: `If-Match`, `ETag`, `Idempotency-Key`.

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required};

use crate::problem::render;

const IF_MATCH: &str = "If-Match";
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// Letters of an idempotency key.
const LONGEST_KEY: usize = 200;

/// A header that is needed or cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{header}: {detail}")]
pub struct BadHeader {
    header: &'static str,
    detail: String,
    is_missing: bool,
}

impl actix_web::ResponseError for BadHeader {
    fn error_response(&self) -> HttpResponse {
        let (status, code, title) = if self.is_missing {
            (StatusCode::PRECONDITION_REQUIRED, "precondition_required", "Say which version is meant")
        } else {
            (StatusCode::BAD_REQUEST, "bad_header", "The request cannot be read")
        };
        render(status, code, title, self.to_string(), Vec::new())
    }
}

/// Returns the one value of a header, if it was sent.
fn value_of<'a>(request: &'a HttpRequest, header: &'static str) -> Result<Option<&'a str>, BadHeader> {
    let bad = |detail: &str| BadHeader { header, detail: detail.to_owned(), is_missing: false };
    let mut values = request.headers().get_all(header);
    let value = values.next().map(|value| value.to_str().map_err(|_| bad("must be visible ASCII")));
    if values.next().is_some() {
        return Err(bad("was sent more than once"));
    }
    value.transpose()
}

/// The version of a thing that a change was made from: `If-Match: "7"`. Without it a change is refused (428).
///
/// Whether it still is the version is for the use case to see, in the transaction of the change. `W/"7"` is taken as
/// well: whoever compresses on the way makes that of an `ETag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub i64);

impl FromRequest for IfMatch {
    type Error = BadHeader;
    type Future = Ready<Result<Self, BadHeader>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = IF_MATCH;
        let read = |value: Option<&str>| {
            let detail = "send the version that the change was made from, as in \"7\"".to_owned();
            let text = value.ok_or(BadHeader { header, detail, is_missing: true })?;
            let detail = "must be one version in quotation marks, as in \"7\"".to_owned();
            version_of(text).map(Self).ok_or(BadHeader { header, detail, is_missing: false })
        };
        ready(value_of(request, header).and_then(read))
    }
}

/// The version that a declaration was made from, if the caller cares.
///
/// A `PUT` by name adds a thing or replaces it, so scripts may send it again and again; whoever edits what somebody else may
/// edit too sends the version, and is refused when it is another one by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MayMatch(pub Option<i64>);

impl FromRequest for MayMatch {
    type Error = BadHeader;
    type Future = Ready<Result<Self, BadHeader>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(IF_MATCH) {
            return ready(Ok(Self(None)));
        }
        ready(
            IfMatch::from_request(request, payload).into_inner().map(|IfMatch(version)| Self(Some(version))),
        )
    }
}

impl utoipa::IntoParams for MayMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `version` that the change was made from, in quotation marks: refused when it is another \
                           one by now.";
        vec![parameter(IF_MATCH, Required::False, description, "\"7\"", None)]
    }
}

fn version_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix("W/").unwrap_or(text).strip_prefix('"')?.strip_suffix('"')?;
    // No sign and no leading nought: one version has one text.
    let is_plain = digits == "0" || !digits.starts_with(['0', '+', '-']);
    digits.parse().ok().filter(|_| is_plain)
}

impl utoipa::IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `version` that the change was made from, in quotation marks.";
        vec![parameter(IF_MATCH, Required::True, description, "\"7\"", None)]
    }
}

/// What a client calls a creating request, so that sending it again does it once; may be absent.
///
/// 1 to 200 visible ASCII letters. Take it as it is, not as an `Option`, which would take a bad key for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// Returns the key, if one was sent.
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl FromRequest for IdempotencyKey {
    type Error = BadHeader;
    type Future = Ready<Result<Self, BadHeader>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = IDEMPOTENCY_KEY;
        let read = |key: Option<&str>| {
            let is_good = |key: &str| {
                (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
            };
            if key.is_none_or(is_good) {
                return Ok(Self(key.map(str::to_owned)));
            }
            let detail = format!("must be 1 to {LONGEST_KEY} letters of visible ASCII");
            Err(BadHeader { header, detail, is_missing: false })
        };
        ready(value_of(request, header).and_then(read))
    }
}

impl utoipa::IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "A name for this request, so that sending it again does it once.";
        let example = "5f0c7a3e-7c1b-4b7e-9d57-3a4f1f1f6b0a";
        vec![parameter(IDEMPOTENCY_KEY, Required::False, description, example, Some(LONGEST_KEY))]
    }
}

fn parameter(
    name: &str,
    required: Required,
    description: &str,
    example: &str,
    longest: Option<usize>,
) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).max_length(longest);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .example(Some(example.into()))
        .schema(Some(schema))
        .build()
}

/// An answer that shows a thing in one version: JSON with an `ETag`, which the next change sends as `If-Match`.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    status: StatusCode,
    version: i64,
    body: T,
}

impl<T: Serialize> Versioned<T> {
    /// Answers 200.
    pub const fn ok(version: i64, body: T) -> Self {
        Self { status: StatusCode::OK, version, body }
    }

    /// Answers 201.
    pub const fn created(version: i64, body: T) -> Self {
        Self { status: StatusCode::CREATED, version, body }
    }
}

impl<T: Serialize> Responder for Versioned<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::build(self.status)
            .insert_header((ETAG, format!("\"{}\"", self.version)))
            .json(self.body)
    }
}

/// Answers a request that was sent again with what was answered the first time; a header says so.
pub fn replay(status: u16, body: Vec<u8>) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    HttpResponse::build(status)
        .insert_header(("Idempotency-Replayed", "true"))
        .insert_header((CONTENT_TYPE, "application/json"))
        .body(body)
}

#[cfg(test)]
mod tests;
