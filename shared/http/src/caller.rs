//! Who asks. The token is checked before path and body are looked at.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse};
use scrm_kernel::access::{Asked, NotAllowed};
use scrm_kernel::{Actor, ErrorKind, SessionId};

use crate::need::{Need, Needs};
use crate::problem::refuse;
use crate::token::Tokens;

/// Whoever asks, proved by a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is and what they may do: what use cases are given.
    pub actor: Actor,
    /// The session in which they signed in; none for a token that a command printed.
    pub session: Option<SessionId>,
    /// When the token was signed, in seconds since 1970.
    pub issued_at: i64,
}

impl Caller {
    /// Returns somebody without a session.
    pub const fn of(actor: Actor) -> Self {
        Self { actor, session: None, issued_at: 0 }
    }
}

impl Deref for Caller {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.actor
    }
}

impl FromRequest for Caller {
    type Error = Stranger;
    type Future = Ready<Result<Self, Stranger>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or(Stranger))
    }
}

/// Nobody proved who asks.
#[derive(Debug, thiserror::Error)]
#[error("a bearer token is needed")]
pub struct Stranger;

impl actix_web::ResponseError for Stranger {
    fn error_response(&self) -> HttpResponse {
        let mut response = refuse(
            ErrorKind::Unauthenticated,
            "unauthenticated",
            "Send `Authorization: Bearer <token>`; `scrm token` prints one.",
        );
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response
    }
}

/// Paths that are answered without a token: exact, or with one more segment of any text.
pub(crate) fn is_public(path: &str) -> bool {
    const EXACT: [&str; 8] = [
        "/healthz",
        "/readyz",
        "/api/openapi.json",
        "/api/docs",
        "/api/v1/directory/sign-in",
        "/api/v1/directory/refresh",
        "/api/v1/directory/setup",
        "/.well-known/jwks.json",
    ];
    const ONE_SEGMENT_BELOW: [&str; 2] = ["/callback/wecom/", "/hooks/leads/"];
    EXACT.contains(&path)
        || ONE_SEGMENT_BELOW.iter().any(|prefix| {
            path.strip_prefix(prefix).is_some_and(|segment| !segment.is_empty() && !segment.contains('/'))
        })
}

/// Below here one service asks another; nobody else is let in.
const INTERNAL: &str = "/internal/";

/// Middleware: lets nobody past without a valid token, except to public paths.
pub(crate) async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if is_public(request.path()) {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    if request.path().starts_with(INTERNAL) {
        if is_service(&request) {
            return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
        }
        return Ok(request.error_response(Stranger));
    }
    let Some(caller) = caller_of(&request) else {
        return Ok(request.error_response(Stranger));
    };
    let Some(need) = request.app_data::<Data<Needs>>().and_then(|needs| needs.of_request(&request)) else {
        return Ok(request.into_response(nothing_here()));
    };
    if let Need::Permission(action) = need
        && let Err(refusal) = caller.allow(action)
    {
        let refused = refuse(ErrorKind::Forbidden, NotAllowed::CODE, refusal.to_string());
        return Ok(request.into_response(refused));
    }
    let actor = caller.actor.watched();
    let asked = actor.asked.clone();
    request.extensions_mut().insert(Caller { actor, ..caller });
    let answer = next.call(request).await.map(ServiceResponse::map_into_boxed_body)?;
    Ok(compared(need, &asked, answer))
}

/// In programs that are built for tests: makes a failure of the answer of a use case that did not ask for what the
/// document of its route says.
fn compared(need: Need, asked: &Asked, answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let Need::Permission(action) = need else { return answer };
    if !cfg!(debug_assertions) || !answer.status().is_success() || asked.has(action) || is_bare(&answer) {
        return answer;
    }
    let route = answer.request().match_pattern().unwrap_or_default();
    tracing::error!("The document of {route} says {action}, and nothing asked for it");
    answer.into_response(refuse(ErrorKind::Internal, "permission_not_asked", action.to_string()))
}

/// Reports whether this is a route without a use case.
fn is_bare(answer: &ServiceResponse<BoxBody>) -> bool {
    !answer.request().path().starts_with("/api/v1/")
}

/// Says that there is nothing at a path.
pub(crate) fn nothing_here() -> HttpResponse {
    let detail = "There is nothing at this path, or not for this method.";
    refuse(ErrorKind::NotFound, "no_such_route", detail)
}

fn caller_of(request: &ServiceRequest) -> Option<Caller> {
    request.app_data::<Data<Tokens>>()?.check(bearer(request)?).ok()
}

fn is_service(request: &ServiceRequest) -> bool {
    let tokens = request.app_data::<Data<Tokens>>();
    bearer(request).zip(tokens).is_some_and(|(bearer, tokens)| tokens.is_service(bearer))
}

fn bearer(request: &ServiceRequest) -> Option<&str> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Some(token.trim())
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn public_paths_are_few_and_exact() {
        for path in ["/healthz", "/readyz", "/callback/wecom/demo", "/hooks/leads/form", "/api/openapi.json"]
        {
            assert!(is_public(path), "{path}");
        }
        assert!(is_public("/api/docs") && !is_public("/api/docs/x"));
        let own = ["sign-in", "refresh", "setup"].map(|route| format!("/api/v1/directory/{route}"));
        assert!(own.iter().all(|route| is_public(route)) && is_public("/.well-known/jwks.json"));
        assert!(!is_public("/api/v1/directory/sign-out") && !is_public("/api/v1/directory/setup/"));
        for path in
            ["/", "/metrics", "/callback/wecom/", "/callback/wecom/a/b", "/healthz/", "/api/v1/leads/leads"]
        {
            assert!(!is_public(path), "{path}");
        }
    }
}
