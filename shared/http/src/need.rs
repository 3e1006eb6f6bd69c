//! Which permission a route needs, as its document says: whoever lacks it is refused before path and body are read.
//!
//! The use case behind the route asks once more, because consumers and jobs come to it too; what it asked is compared
//! with the document in programs that are built for tests.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use scrm_kernel::access::Action;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, OpenApi};

use crate::caller::is_public;

/// The name of the only scheme.
const BEARER: &str = "bearer";
/// What is no service's, and therefore in no document.
const METRICS: &str = "/metrics";

/// What somebody must have who uses a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A valid token.
    Token,
    /// A valid token with this permission.
    Permission(Action),
}

/// A document says nothing of who may use a route.
#[derive(Debug, thiserror::Error)]
#[error(
    "{method} {path} has no `security((\"bearer\" = [\"…\"]))` with one permission, or none for everybody signed in"
)]
pub struct Unlisted {
    method: Method,
    path: String,
}

/// A route that is not for everybody.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path, with its variables in braces.
    pub path: String,
    /// What it needs.
    pub need: Need,
}

/// Returns the routes of a document that are not for everybody, by their paths.
pub fn guarded(document: &OpenApi) -> Result<Vec<Route>, Unlisted> {
    let mut routes = Vec::new();
    for (path, item) in &document.paths.paths {
        if is_public(path) {
            continue;
        }
        let operations = [
            (Method::GET, &item.get),
            (Method::PUT, &item.put),
            (Method::POST, &item.post),
            (Method::DELETE, &item.delete),
            (Method::PATCH, &item.patch),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            let need = need_of(operation);
            let need = need.ok_or_else(|| Unlisted { method: method.clone(), path: path.clone() })?;
            routes.push(Route { method, path: path.clone(), need });
        }
    }
    Ok(routes)
}

/// What each route needs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needs(Arc<HashMap<String, Vec<(Method, Need)>>>);

impl Needs {
    /// Reads what the routes of a document need.
    pub(crate) fn of(document: &OpenApi) -> Result<Self, Unlisted> {
        let mut needs: HashMap<String, Vec<(Method, Need)>> = HashMap::new();
        for Route { method, path, need } in guarded(document)? {
            needs.entry(path).or_default().push((method, need));
        }
        needs.insert(METRICS.to_owned(), vec![(Method::GET, Need::Permission(Action::ReadMetrics))]);
        Ok(Self(Arc::new(needs)))
    }

    /// Returns what a request's route needs; none when there is no such route.
    pub(crate) fn of_request(&self, request: &ServiceRequest) -> Option<Need> {
        let routes = self.0.get(&request.match_pattern()?)?;
        routes.iter().find(|(method, _)| method == request.method()).map(|(_, need)| *need)
    }
}

fn need_of(operation: &Operation) -> Option<Need> {
    let [requirement] = operation.security.as_deref()? else { return None };
    // The type shows its content to serde alone.
    let requirement = serde_json::to_value(requirement).ok()?;
    match requirement.get(BEARER)?.as_array()?.as_slice() {
        [] => Some(Need::Token),
        [name] => Action::parse(name.as_str()?).ok().map(Need::Permission),
        _ => None,
    }
}

/// Adds to a document what a token is.
pub(crate) fn describe(document: &mut OpenApi) {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let components = document.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
}
