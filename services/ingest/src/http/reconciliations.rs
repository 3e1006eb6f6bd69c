//! Comparisons with WeCom.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpResponse, get, post};
use scrm_http::{Caller, Problem};
use scrm_kernel::ReconciliationId;

use super::reconciliation_dto::{ReconciliationOut, ReconciliationsIn, ReconciliationsOut};
use crate::app::{App, Error};

/// Compare everything with WeCom; if that is being done, its state is returned.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_begin_reconciliation", security(("bearer" = ["reconciliations.run"])),
    responses((status = 202, body = ReconciliationOut), (status = 409, body = Problem))
)]
#[post("/reconciliations")]
pub(super) async fn begin(app: Data<App>, caller: Caller) -> Result<HttpResponse, Error> {
    let run = app.begin_reconciliation(&caller).await?;
    Ok(HttpResponse::Accepted().json(ReconciliationOut::from(run)))
}

/// List the comparisons with WeCom, newest first.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_list_reconciliations", security(("bearer" = ["reconciliations.read"])),
    params(ReconciliationsIn),
    responses((status = 200, body = ReconciliationsOut), (status = 422, body = Problem))
)]
#[get("/reconciliations")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    query: Query<ReconciliationsIn>,
) -> Result<Json<ReconciliationsOut>, Error> {
    let query = query.into_inner();
    let page = scrm_http::page_of(query.limit, query.cursor).map_err(|error| Error::Invalid(vec![error]))?;
    Ok(Json(app.reconciliations(&caller, &page).await?.into()))
}

/// Read how far a comparison with WeCom is, and what it found.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_read_reconciliation", security(("bearer" = ["reconciliations.read"])),
    params(("id" = ReconciliationId, Path)),
    responses((status = 200, body = ReconciliationOut), (status = 404, body = Problem))
)]
#[get("/reconciliations/{id}")]
pub(super) async fn read(
    app: Data<App>,
    caller: Caller,
    id: Path<ReconciliationId>,
) -> Result<Json<ReconciliationOut>, Error> {
    Ok(Json(app.reconciliation(&caller, *id).await?.into()))
}

/// Confirm that the relations are gone that raised an alarm, so that they are told to be over.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_confirm_reconciliation", security(("bearer" = ["reconciliations.run"])),
    params(("id" = ReconciliationId, Path)),
    responses(
        (status = 202, body = ReconciliationOut), (status = 404, body = Problem), (status = 409, body = Problem)
    )
)]
#[post("/reconciliations/{id}/confirm")]
pub(super) async fn confirm(
    app: Data<App>,
    caller: Caller,
    id: Path<ReconciliationId>,
) -> Result<HttpResponse, Error> {
    let run = app.confirm_reconciliation(&caller, *id).await?;
    Ok(HttpResponse::Accepted().json(ReconciliationOut::from(run)))
}
