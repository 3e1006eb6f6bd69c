//! Leads.

use actix_web::get;
use actix_web::web::{Data, Json, Path, Query};
use scrm_http::{Caller, Problem, Versioned};
use scrm_kernel::{ExternalUserId, FieldError, LeadId, Phone};

use super::dto::{LeadOut, LeadsIn, LeadsOut};
use crate::app::{App, Error, LeadFilter};

/// List leads, newest first.
#[utoipa::path(
    tag = "leads", operation_id = "leads_list_leads", security(("bearer" = ["leads.read"])),
    params(LeadsIn),
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
    let phone = query.phone.as_deref().map(Phone::parse).transpose();
    let phone = phone.map_err(|error| Error::Invalid(FieldError::new("phone", error.to_string())))?;
    // A zero character is in no name of a source, and PostgreSQL does not even compare it.
    let source = query.source.map(|source| source.replace('\0', "?"));
    let page = scrm_http::page_of(query.limit, query.cursor).map_err(Error::Invalid)?;
    let leads = app.leads(&caller, &LeadFilter { person, phone, source }, &page).await?;
    Ok(Json(leads.into()))
}

/// Read one lead.
#[utoipa::path(
    tag = "leads", operation_id = "leads_read_lead", security(("bearer" = ["leads.read"])),
    params(("id" = LeadId, Path)),
    responses((status = 200, body = LeadOut), (status = 404, body = Problem))
)]
#[get("/leads/{id}")]
pub(super) async fn read(
    app: Data<App>,
    caller: Caller,
    id: Path<LeadId>,
) -> Result<Versioned<LeadOut>, Error> {
    let view = app.lead(&caller, *id).await?;
    Ok(Versioned::ok(view.lead.version, view.into()))
}
