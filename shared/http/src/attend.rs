//! What every request gets: an id, a limit of time, and its line in the log.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, ResponseError};
use scrm_kernel::ErrorKind;
use tokio::time::timeout;
use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

use crate::body;
use crate::caller::is_public;
use crate::patience::Patience;
use crate::problem::{REQUEST_ID, refuse};

/// Requests answered, by route and status.
const REQUESTS: &str = "scrm_http_requests_total";
/// How long they took, by route.
const REQUEST_TIME: &str = "scrm_http_request_seconds";
/// Below here WeCom calls: it is told nothing but the status.
const CALLBACKS: &str = "/callback/";

/// A request whose answer had not begun in time; what it did by then is undone, or finished by the work it left.
#[derive(Debug, thiserror::Error)]
#[error("took too long")]
struct TookTooLong {
    id: String,
    is_callback: bool,
}

impl ResponseError for TookTooLong {
    fn status_code(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }

    fn error_response(&self) -> HttpResponse {
        if self.is_callback {
            return HttpResponse::ServiceUnavailable().finish();
        }
        let mut response = REQUEST_ID.sync_scope(self.id.clone(), || {
            refuse(
                ErrorKind::Unavailable,
                "took_too_long",
                "The answer did not come in time; it may come yet.",
            )
        });
        name(response.headers_mut(), &self.id);
        response
    }
}

/// Middleware: gives the request an id, gives it up when its answer does not begin in time, and writes its line.
pub(crate) async fn attend(
    patience: Patience,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    #[expect(clippy::disallowed_methods, reason = "an id of a request orders nothing and is stored nowhere")]
    let id = Uuid::now_v7().to_string();
    let begun = Instant::now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let is_busy = is_public(uri.path()) || uri.path().starts_with("/internal/");
    let step = tracing::trace_span!(
        target: scrm_telemetry::TARGET, "request",
        otel.kind = "server", request.id = %id, http.request.method = %method,
        http.route = Empty, http.response.status_code = Empty,
    );
    let limit = body::time_of(&request, patience) + patience.answer;
    let answering = REQUEST_ID.scope(id.clone(), next.call(request)).instrument(step.clone());
    let outcome = match timeout(limit, answering).await {
        Ok(outcome) => Ok(outcome?.map_into_boxed_body()),
        Err(_) => Err(TookTooLong { id: id.clone(), is_callback: uri.path().starts_with(CALLBACKS) }),
    };
    // A request that is given up has left with its route; a path has no personal data, but there are many of them.
    let route = match &outcome {
        Ok(response) => response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned()),
        Err(_) => "given_up".to_owned(),
    };
    let status = outcome.as_ref().map_or_else(ResponseError::status_code, ServiceResponse::status).as_u16();
    let ms = begun.elapsed().as_millis();
    scrm_telemetry::rename(&step, format!("{method} {route}"));
    step.record("http.route", route.as_str()).record("http.response.status_code", status);
    metrics::counter!(REQUESTS, "route" => route.clone(), "status" => status.to_string()).increment(1);
    metrics::histogram!(REQUEST_TIME, "route" => route.clone()).record(begun.elapsed());
    let place = if outcome.is_ok() { route.as_str() } else { uri.path() };
    note(&id, &method, place, status, ms, is_busy);
    let mut response = outcome?;
    name(response.headers_mut(), &id);
    Ok(response)
}

/// Says in an answer which request it is for.
fn name(headers: &mut HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
}

/// Writes the one line of a request: what failed here as a warning, what comes by the thousand for those who look for it.
fn note(id: &str, method: &Method, route: &str, status: u16, ms: u128, is_busy: bool) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request.id = id, http.method = %method, http.route = route, http.status = status, ms,
                "{method} {route} {status}"
            )
        };
    }
    match status {
        500.. => line!(warn),
        _ if is_busy => line!(debug),
        _ => line!(info),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service, try_call_service};
    use actix_web::{App, web};
    use serde_json::Value;
    use tracing::Level;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// Longer than any test.
    const PATIENT: Duration = Duration::from_hours(1);
    /// For what never ends.
    const IMPATIENT: Duration = Duration::from_millis(10);

    /// What was logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        /// Returns the lines about requests, without their fields.
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            let parts = text.lines().filter_map(|line| line.split_once(" scrm_http::attend: "));
            let words = |(level, line): (&str, &str)| {
                let (message, _) = line.split_once(" request.id=").unwrap();
                format!("{} {message}", level.trim())
            };
            parts.map(words).collect()
        }
    }

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Log {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// Sends a request to routes of which some never answer; returns status, id and body.
    async fn answered(answer: Duration, request: TestRequest) -> (u16, Option<String>, Vec<u8>) {
        let patience = Patience { answer, ..Patience::default() };
        let app = App::new()
            .route("/api/v1/leads/leads/{id}", web::get().to(HttpResponse::Ok))
            .route("/api/v1/leads/broken", web::get().to(HttpResponse::InternalServerError))
            .route("/callback/wecom/{app}", web::post().to(HttpResponse::Ok))
            .route("/hooks/leads/{source}", web::post().to(HttpResponse::Accepted))
            .route("/api/v1/leads/never", web::get().to(pending::<HttpResponse>))
            .route("/callback/wecom/{app}", web::get().to(pending::<HttpResponse>))
            .wrap(from_fn(move |request, next| attend(patience, request, next)));
        let answer = match try_call_service(&init_service(app).await, request.to_request()).await {
            Ok(response) => response.into_parts().1.map_into_boxed_body(),
            Err(error) => error.error_response(),
        };
        let id = answer.headers().get("x-request-id").map(|id| id.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        (status, id, actix_web::body::to_bytes(answer.into_body()).await.unwrap().to_vec())
    }

    #[actix_web::test]
    async fn every_request_has_one_line_and_what_comes_by_the_thousand_a_quieter_one() {
        let log = Log::default();
        let lines = tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_ansi(false).without_time();
        let _guard = tracing::subscriber::set_default(lines.with_writer(log.clone()).finish());
        for request in [
            TestRequest::get().uri("/api/v1/leads/leads/7?phone=13800000000"),
            TestRequest::get().uri("/api/v1/leads/broken"),
            TestRequest::get().uri("/nowhere"),
            TestRequest::post().uri("/callback/wecom/crm"),
            TestRequest::post().uri("/hooks/leads/form"),
        ] {
            assert!(answered(PATIENT, request).await.1.is_some());
        }
        answered(IMPATIENT, TestRequest::get().uri("/api/v1/leads/never?phone=13800000000")).await;
        assert_eq!(
            log.lines(),
            [
                "INFO GET /api/v1/leads/leads/{id} 200",
                "WARN GET /api/v1/leads/broken 500",
                "INFO GET unmatched 404",
                "DEBUG POST /callback/wecom/{app} 200",
                "DEBUG POST /hooks/leads/{source} 202",
                "WARN GET /api/v1/leads/never 503",
            ]
        );
    }

    #[actix_web::test]
    async fn a_request_without_an_answer_is_given_up_as_a_problem_with_its_id() {
        let (status, id, body) = answered(IMPATIENT, TestRequest::get().uri("/api/v1/leads/never")).await;
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, problem["code"].as_str()), (503, Some("took_too_long")));
        assert!(id.is_some() && problem["request_id"].as_str() == id.as_deref(), "{problem}");
    }

    #[actix_web::test]
    async fn wecom_is_told_nothing_but_that_its_callback_is_to_be_sent_again() {
        let (status, _, body) = answered(IMPATIENT, TestRequest::get().uri("/callback/wecom/crm")).await;
        assert_eq!((status, body), (503, Vec::new()));
    }
}
