//! Lead sources.

use actix_web::web::{Data, Json, Path};
use actix_web::{get, put};
use scrm_http::{Caller, MayMatch, Problem, Versioned};

use super::lead_dto::{LeadSourceIn, LeadSourceOut, LeadSourcesOut};
use crate::app::{App, Error};

/// List the lead sources of the enterprise.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_list_lead_sources", security(("bearer" = ["connections.read"])), responses((status = 200, body = LeadSourcesOut))
)]
#[get("/lead-sources")]
pub(super) async fn list(app: Data<App>, caller: Caller) -> Result<Json<LeadSourcesOut>, Error> {
    let sources = app.lead_sources(&caller).await?;
    let items = sources.into_iter().map(|source| LeadSourceOut::of(source, None)).collect();
    Ok(Json(LeadSourcesOut { items, next_cursor: None }))
}

/// Add a lead source, or change it.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_put_lead_source", security(("bearer" = ["connections.manage"])),
    params(("source" = String, Path), MayMatch),
    responses((status = 200, body = LeadSourceOut), (status = 409, body = Problem), (status = 422, body = Problem))
)]
#[put("/lead-sources/{source}")]
pub(super) async fn put_one(
    app: Data<App>,
    caller: Caller,
    name: Path<String>,
    version: MayMatch,
    body: Json<LeadSourceIn>,
) -> Result<Versioned<LeadSourceOut>, Error> {
    let form = body.into_inner().into_form(name.into_inner(), version.0);
    let (source, secret) = app.put_lead_source(&caller, &form).await?;
    Ok(Versioned::ok(source.version, LeadSourceOut::of(source, secret)))
}
