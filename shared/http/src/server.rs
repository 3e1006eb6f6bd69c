//! The server of a process: all routes of all its services behind one port.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use scrm_kernel::Lifecycle;
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, PathItem};
use utoipa_actix_web::AppExt as _;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::attend::attend;
use crate::body;
use crate::caller::{self, authenticate};
use crate::docs;
use crate::need::{self, Needs};
use crate::patience::Patience;
use crate::problem::{malformed, refuse};
use crate::token::Tokens;

/// Largest JSON body of an ordinary request.
const JSON_LIMIT: usize = 256 * 1024;
/// How long requests may go on after the process is asked to stop, in seconds.
const DRAIN_SECONDS: u64 = 10;

/// The routes of one service, added to a server's configuration.
pub type Routes = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

/// Whether the process is ready for traffic: migrated, declared, subscribed.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says that the process is ready.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Returns the OpenAPI document of the given services.
pub fn document(title: &str, services: &[Routes]) -> OpenApi {
    let services = services.to_vec();
    let (_, mut api) = App::new()
        .into_utoipa_app()
        .openapi(empty_document(title))
        .configure(move |config| services.iter().for_each(|routes| routes(config)))
        .split_for_parts();
    for (path, item) in &mut api.paths.paths {
        let rest = path.strip_prefix("/api/v1/");
        if let Some(service) = rest.and_then(|rest| rest.split('/').next()) {
            name_after(service, item);
        }
    }
    need::describe(&mut api);
    api
}

/// Names what every service has, and what therefore has no tag of its own, after the service of its path.
fn name_after(service: &str, item: &mut PathItem) {
    let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
    for operation in operations.into_iter().flatten() {
        if operation.tags.as_ref().is_none_or(Vec::is_empty) {
            operation.tags = Some(vec![service.to_owned()]);
            operation.operation_id = operation.operation_id.take().map(|id| format!("{service}_{id}"));
        }
    }
}

fn empty_document(title: &str) -> OpenApi {
    let info = InfoBuilder::new().title(title).version(env!("CARGO_PKG_VERSION"));
    OpenApiBuilder::new().info(info).build()
}

/// Serves the given services on `listener` until the process is asked to stop.
pub async fn serve(
    listener: TcpListener,
    services: Vec<Routes>,
    tokens: Tokens,
    readiness: Readiness,
    workers: usize,
    lifecycle: Lifecycle,
) -> std::io::Result<()> {
    serve_with(Patience::default(), listener, services, tokens, readiness, workers, lifecycle).await
}

/// Serves like [`serve`], with as much patience as is said.
pub async fn serve_with(
    patience: Patience,
    listener: TcpListener,
    services: Vec<Routes>,
    tokens: Tokens,
    readiness: Readiness,
    workers: usize,
    lifecycle: Lifecycle,
) -> std::io::Result<()> {
    let document = document("Hongyan", &services);
    let needs = Data::new(Needs::of(&document).map_err(std::io::Error::other)?);
    let document = Data::new(document);
    let (tokens, readiness, bounds) = (Data::new(tokens), Data::new(readiness), Data::new(patience));
    let server = HttpServer::new(move || {
        let services = services.clone();
        let (app, _) = App::new()
            .app_data(tokens.clone())
            .app_data(needs.clone())
            .app_data(readiness.clone())
            .app_data(bounds.clone())
            .app_data(document.clone())
            .app_data(json_config())
            .app_data(web::QueryConfig::default().error_handler(|error, _| bad_query(&error).into()))
            .app_data(web::PathConfig::default().error_handler(|error, _| bad_path(&error).into()))
            .into_utoipa_app()
            .configure(move |config| services.iter().for_each(|routes| routes(config)))
            .split_for_parts();
        app.route("/healthz", web::get().to(alive))
            .route("/readyz", web::get().to(ready))
            .route("/metrics", web::get().to(metrics))
            .route("/api/openapi.json", web::get().to(openapi))
            .route("/api/docs", web::get().to(docs::page))
            .default_service(web::to(nothing_here))
            .wrap(from_fn(body::bound_json))
            .wrap(from_fn(authenticate))
            .wrap(from_fn(body::close_unread))
            .wrap(from_fn(move |request, next| attend(patience, request, next)))
    })
    .workers(workers)
    .client_request_timeout(patience.head)
    .shutdown_timeout(DRAIN_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();

    let handle = server.handle();
    let stopper = tokio::spawn(async move {
        lifecycle.stopping().await;
        handle.stop(true).await;
    });
    let outcome = server.await;
    stopper.abort();
    outcome
}

fn json_config() -> web::JsonConfig {
    web::JsonConfig::default().limit(JSON_LIMIT).error_handler(|error, _| bad_json(&error).into())
}

/// A request that could not be read, already rendered.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
struct Unreadable {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl actix_web::ResponseError for Unreadable {
    fn error_response(&self) -> HttpResponse {
        malformed(self.status, self.code, self.detail.clone())
    }
}

fn bad_json(error: &JsonPayloadError) -> Unreadable {
    let (status, code) = match error {
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
            (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large")
        }
        JsonPayloadError::ContentType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json"),
        JsonPayloadError::Payload(error) if body::is_late(error) => {
            (StatusCode::REQUEST_TIMEOUT, "body_too_slow")
        }
        _ => (StatusCode::BAD_REQUEST, "bad_json"),
    };
    let detail = match error {
        JsonPayloadError::Deserialize(error) => without_values(&error.to_string()),
        error => error.to_string(),
    };
    Unreadable { status, code, detail: format!("body: {detail}") }
}

/// Cuts what was sent out of a message of serde's: it may be a secret in the wrong field.
fn without_values(message: &str) -> String {
    const QUOTING: [&str; 4] = ["invalid type", "invalid value", "invalid length", "unknown variant"];
    let Some(kind) = QUOTING.iter().find(|kind| message.starts_with(**kind)) else {
        return message.to_owned();
    };
    let expected = message.rsplit_once(", expected ").map_or("something else", |(_, expected)| expected);
    format!("{kind}, expected {expected}")
}

fn bad_query(error: &QueryPayloadError) -> Unreadable {
    Unreadable { status: StatusCode::BAD_REQUEST, code: "bad_query", detail: format!("query: {error}") }
}

fn bad_path(error: &PathError) -> Unreadable {
    Unreadable { status: StatusCode::NOT_FOUND, code: "not_found", detail: format!("path: {error}") }
}

async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("alive\n")
}

async fn ready(readiness: Data<Readiness>) -> HttpResponse {
    if readiness.is_set() {
        HttpResponse::Ok().content_type("text/plain").body("ready\n")
    } else {
        refuse(scrm_kernel::ErrorKind::Unavailable, "starting", "The process is still starting.")
    }
}

async fn openapi(document: Data<OpenApi>) -> HttpResponse {
    HttpResponse::Ok().json(document.get_ref())
}

async fn metrics() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(scrm_telemetry::render_metrics())
}

async fn nothing_here() -> HttpResponse {
    caller::nothing_here()
}
