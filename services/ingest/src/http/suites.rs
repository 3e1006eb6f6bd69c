//! Suites of a provider.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{get, put};
use scrm_http::{Caller, MayMatch, Problem, Versioned};
use scrm_kernel::PageRequest;

use super::suite_dto::{AuthorizationsOut, ErrandsOut, PageIn, SuiteIn, SuiteOut, SuitesOut};
use crate::app::{App, Error};

/// List the suites of the enterprise.
#[utoipa::path(tag = "ingest", operation_id = "ingest_list_suites", security(("bearer" = ["connections.read"])), responses((status = 200, body = SuitesOut)))]
#[get("/suites")]
pub(super) async fn list(app: Data<App>, caller: Caller) -> Result<Json<SuitesOut>, Error> {
    let suites = app.suites(&caller).await?;
    Ok(Json(SuitesOut { items: suites.into_iter().map(SuiteOut::from).collect(), next_cursor: None }))
}

/// Set up a suite (第三方应用 or 代开发应用模版), or replace its secrets.
///
/// Id and kind stay what they are. What enterprises authorised stays too.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_put_suite", security(("bearer" = ["connections.manage"])),
    params(("suite" = String, Path), MayMatch),
    responses((status = 200, body = SuiteOut), (status = 409, body = Problem), (status = 422, body = Problem))
)]
#[put("/suites/{suite}")]
pub(super) async fn put_one(
    app: Data<App>,
    caller: Caller,
    name: Path<String>,
    version: MayMatch,
    body: Json<SuiteIn>,
) -> Result<Versioned<SuiteOut>, Error> {
    let form = body.into_inner().into_form(name.into_inner(), version.0);
    let suite = app.put_suite(&caller, &form).await?;
    Ok(Versioned::ok(suite.version, suite.into()))
}

/// List the enterprises that authorised a suite, those that cancelled too.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_list_authorizations", security(("bearer" = ["connections.read"])),
    params(("suite" = String, Path), PageIn),
    responses((status = 200, body = AuthorizationsOut), (status = 404, body = Problem), (status = 422, body = Problem))
)]
#[get("/suites/{suite}/authorizations")]
pub(super) async fn authorizations(
    app: Data<App>,
    caller: Caller,
    name: Path<String>,
    query: Query<PageIn>,
) -> Result<Json<AuthorizationsOut>, Error> {
    let page = page_of(query.into_inner())?;
    Ok(Json(app.authorizations(&caller, &name, &page).await?.into()))
}

/// List what was to be asked of WeCom for a suite, newest first: codes that were exchanged, or could not be.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_list_errands", security(("bearer" = ["connections.read"])),
    params(("suite" = String, Path), PageIn),
    responses((status = 200, body = ErrandsOut), (status = 404, body = Problem), (status = 422, body = Problem))
)]
#[get("/suites/{suite}/errands")]
pub(super) async fn errands(
    app: Data<App>,
    caller: Caller,
    name: Path<String>,
    query: Query<PageIn>,
) -> Result<Json<ErrandsOut>, Error> {
    let page = page_of(query.into_inner())?;
    Ok(Json(app.errands(&caller, &name, &page).await?.into()))
}

fn page_of(query: PageIn) -> Result<PageRequest, Error> {
    scrm_http::page_of(query.limit, query.cursor).map_err(|error| Error::Invalid(vec![error]))
}
