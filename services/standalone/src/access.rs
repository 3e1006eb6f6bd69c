//! Which role may use which route, and with whose things: a table that is committed, so that a review shows what changes.

use std::fmt::Write as _;

use anyhow::Context as _;
use scrm_customers::Customers;
use scrm_directory::Directory;
use scrm_http::{Need, Route, guarded};
use scrm_ingest::Ingest;
use scrm_kernel::access::{Action, BuiltIn, DataScope};
use scrm_leads::Leads;
use scrm_process::Service as _;

const HEAD: &str = "\
# Who may use which route

Made by `cargo xtask codegen` from what each route says it needs and from what the built-in roles give; a test compares it with running services.
A role of an enterprise's own gives any of these permissions, each within a scope of its own.

`all`: the enterprise's things, or everybody's. `tree`: those of the own departments and the ones below. `self`: one's own. `–`: refused (403).
Everything else is public, or is answered 401 without a token.
";

/// Returns the routes of all services that are not for everybody.
pub fn routes() -> anyhow::Result<Vec<Route>> {
    let documents = [Directory::openapi(), Ingest::openapi(), Leads::openapi(), Customers::openapi()];
    let mut routes = Vec::new();
    for document in documents {
        routes.extend(guarded(&document)?);
    }
    Ok(routes)
}

/// Returns the table as Markdown.
pub fn table() -> anyhow::Result<String> {
    let mut text = format!("{HEAD}\n| route | needs |");
    let write = "a text takes everything";
    for role in BuiltIn::ALL {
        write!(text, " {} |", role.as_str()).context(write)?;
    }
    writeln!(text, "\n|{}", " --- |".repeat(BuiltIn::ALL.len() + 2)).context(write)?;
    for Route { method, path, need } in routes()? {
        let needs = match need {
            Need::Token => "to be signed in",
            Need::Permission(action) => action.as_str(),
        };
        write!(text, "| {method} `{path}` | {needs} |").context(write)?;
        for role in BuiltIn::ALL {
            write!(text, " {} |", reach(role, need)).context(write)?;
        }
        text.push('\n');
    }
    Ok(text)
}

/// Returns how far a role reaches on a route, in a word.
pub fn reach(role: BuiltIn, need: Need) -> &'static str {
    let Need::Permission(action) = need else { return "all" };
    scope_of(role, action).map_or("–", |scope| match scope {
        DataScope::Oneself => "self",
        DataScope::Department => "department",
        DataScope::DepartmentTree => "tree",
        DataScope::Chosen { .. } => "chosen",
        DataScope::Everybody => "all",
    })
}

/// A built-in role gives an action once.
fn scope_of(role: BuiltIn, action: Action) -> Option<DataScope> {
    role.grants().into_iter().find(|grant| grant.actions.contains(&action)).map(|grant| grant.scope)
}
