//! Members of the staff.

use actix_web::get;
use actix_web::web::{Data, Json, Path, Query};
use scrm_http::{Caller, Problem};
use scrm_kernel::{FieldError, StaffId};

use super::dto::{MemberOut, StaffIn, StaffOut};
use crate::app::{App, Error, StaffFilter};
use crate::domain::staff::State;

/// List the members of the staff, in the order in which they became known.
#[utoipa::path(
    tag = "directory", operation_id = "directory_list_staff", security(("bearer" = ["staff.read"])),
    params(StaffIn),
    responses((status = 200, body = StaffOut), (status = 422, body = Problem))
)]
#[get("/staff")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    query: Query<StaffIn>,
) -> Result<Json<StaffOut>, Error> {
    let query = query.into_inner();
    let state = query.state.as_deref().map(|text| State::parse(text).ok_or_else(bad_state)).transpose()?;
    // A zero character is in no name, and PostgreSQL does not even compare it.
    let text = query.q.map(|text| text.replace('\0', "?")).filter(|text| !text.is_empty());
    let page = scrm_http::page_of(query.limit, query.cursor).map_err(Error::Invalid)?;
    let filter = StaffFilter { state, department: query.department, text };
    Ok(Json(app.staff(&caller, &filter, &page).await?.into()))
}

fn bad_state() -> Error {
    Error::Invalid(FieldError::new("state", "must be active, invited, disabled or left"))
}

/// Read one member of the staff.
#[utoipa::path(
    tag = "directory", operation_id = "directory_read_member", security(("bearer" = ["staff.read"])),
    params(("id" = StaffId, Path)),
    responses((status = 200, body = MemberOut), (status = 404, body = Problem))
)]
#[get("/staff/{id}")]
pub(super) async fn read(
    app: Data<App>,
    caller: Caller,
    id: Path<StaffId>,
) -> Result<Json<MemberOut>, Error> {
    Ok(Json(app.member(&caller, *id).await?.into()))
}
