//! Every route, and every role: who is let in, as the document of the route says.

use std::sync::Arc;

use reqwest::Method;
use scrm_http::{Caller, Need, Route, Tokens};
use scrm_kernel::access::{Action, Actor, BuiltIn, DataScope, Grant, Permissions};
use scrm_kernel::{Clock, CorpId};
use scrm_process::keys;
use scrm_standalone::access::{reach, routes};
use scrm_standalone::folder::Folder;
use serde_json::Value;

use crate::serve::serve;
use crate::support::Process;

/// Nothing is there under this: whoever is let in learns so, or that the body is none.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Running services, and tokens for anybody.
struct Door {
    process: Process,
    tokens: Tokens,
    corp: CorpId,
    http: reqwest::Client,
}

impl Door {
    fn open(data: &std::path::Path) -> Self {
        let process = serve(data);
        let keys = keys::read_installation(&Folder::at(data).installation_keys()).unwrap();
        let clock = Clock::system();
        let (tokens, corp) = (Tokens::new(&keys, clock.clone()), CorpId::mint(clock.now()));
        Self { process, tokens, corp, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Knocks at a route with a body that no use case takes; returns whether the permission was missing.
    async fn refuses(&self, route: &Route, actor: Actor) -> bool {
        let token = self.tokens.sign(&Caller::of(actor), std::time::Duration::from_mins(1)).unwrap();
        let path: Vec<&str> =
            route.path.split('/').map(|part| if part.starts_with('{') { NOBODY } else { part }).collect();
        let url = self.process.url(&path.join("/"));
        let method: Method = route.method.as_str().parse().unwrap();
        let request = self.http.request(method, url).bearer_auth(token).body("no body");
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let problem: Value = answer.json().await.unwrap_or_default();
        assert_ne!(status, 401, "{} {}", route.method, route.path);
        assert!(status < 500, "{} {}: {problem}", route.method, route.path);
        let is_missing = problem["code"] == "not_allowed";
        assert_eq!(is_missing, status == 403, "{} {}: {problem}", route.method, route.path);
        is_missing
    }

    fn actor(&self, permissions: Permissions) -> Actor {
        Actor { permissions: Arc::new(permissions), ..Actor::administrator(self.corp, "test") }
    }
}

#[tokio::test]
async fn every_route_lets_in_the_roles_of_the_table_and_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let door = Door::open(data.path());
    let routes = routes().unwrap();
    assert!(routes.len() > 50, "{}", routes.len());
    for route in &routes {
        for role in BuiltIn::ALL {
            let actor = door.actor(Permissions::of_role(role, &[1]));
            let expected = reach(role, route.need) == "–";
            let found = door.refuses(route, actor).await;
            assert_eq!(found, expected, "{role:?} {} {}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn every_route_needs_its_own_permission_whatever_the_scope() {
    let data = tempfile::tempdir().unwrap();
    let door = Door::open(data.path());
    let scopes = [
        DataScope::Oneself,
        DataScope::Department,
        DataScope::DepartmentTree,
        DataScope::Chosen { departments: [1].into() },
        DataScope::Everybody,
    ];
    for route in &routes().unwrap() {
        let Need::Permission(needed) = route.need else { continue };
        let others: Vec<Action> = Action::ALL.iter().copied().filter(|action| *action != needed).collect();
        for scope in &scopes {
            let of = |actions: Vec<Action>| {
                door.actor(Permissions::of(&[Grant { actions, scope: scope.clone() }], &[1]))
            };
            assert!(
                !door.refuses(route, of(vec![needed])).await,
                "{} {} {scope:?}",
                route.method,
                route.path
            );
            assert!(
                door.refuses(route, of(others.clone())).await,
                "{} {} {scope:?}",
                route.method,
                route.path
            );
        }
    }
}

#[tokio::test]
async fn the_metrics_need_a_permission_of_their_own() {
    let data = tempfile::tempdir().unwrap();
    let door = Door::open(data.path());
    let route = Route {
        method: actix_web::http::Method::GET,
        path: "/metrics".to_owned(),
        need: Need::Permission(Action::ReadMetrics),
    };
    assert!(!door.refuses(&route, door.actor(Permissions::of_role(BuiltIn::Auditor, &[]))).await);
    assert!(door.refuses(&route, door.actor(Permissions::of_role(BuiltIn::Marketer, &[]))).await);
}
