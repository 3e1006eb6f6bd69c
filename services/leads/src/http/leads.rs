//! Leads.

use actix_web::get;
use actix_web::web::{Data, Json, Path, Query};
use scrm_http::{Caller, Problem};
use scrm_kernel::{ExternalUserId, FieldError, LeadId};

use super::dto::{LeadOut, LeadsIn, LeadsOut};
use crate::app::{App, Error};

/// List leads, newest first.
#[utoipa::path(
    tag = "leads", operation_id = "leads_list_leads", params(LeadsIn),
    responses((status = 200, body = LeadsOut), (status = 422, body = Problem))
)]
#[get("/leads")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    query: Query<LeadsIn>,
) -> Result<Json<LeadsOut>, Error> {
    let query = query.into_inner();
    let person = query.external_user_id.as_deref().map(ExternalUserId::parse).transpose();
    let person =
        person.map_err(|error| Error::Invalid(FieldError::new("external_user_id", error.to_string())))?;
    let page = scrm_http::page_of(query.limit, query.cursor).map_err(Error::Invalid)?;
    let leads = app.leads(&caller.scope(), person.as_ref(), &page).await?;
    Ok(Json(leads.into()))
}

/// Read one lead.
#[utoipa::path(
    tag = "leads", operation_id = "leads_read_lead", params(("id" = LeadId, Path)),
    responses((status = 200, body = LeadOut), (status = 404, body = Problem))
)]
#[get("/leads/{id}")]
pub(super) async fn read(app: Data<App>, caller: Caller, id: Path<LeadId>) -> Result<Json<LeadOut>, Error> {
    Ok(Json(app.lead(&caller.scope(), *id).await?.into()))
}
