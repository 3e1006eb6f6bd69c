//! Business calendars.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpResponse, delete, get, post, put};
use scrm_http::{Caller, IfMatch, Problem, Versioned};
use scrm_kernel::{CalendarId, Clock};

use super::calendar_dto::{CalendarIn, CalendarOut, CalendarsOut, DayOut, DaysIn, DaysOut};
use crate::app::{App, Error};
use crate::domain::calendar::Calendar;

/// List the calendars, the oldest first.
#[utoipa::path(
    tag = "directory", operation_id = "directory_list_calendars", security(("bearer" = ["calendars.read"])),
    responses((status = 200, body = CalendarsOut))
)]
#[get("/calendars")]
pub(super) async fn list(app: Data<App>, caller: Caller) -> Result<Json<CalendarsOut>, Error> {
    let calendars = app.calendars(&caller).await?;
    let clock = app.clock();
    let items = calendars.into_iter().map(|calendar| CalendarOut::of(calendar, clock)).collect();
    Ok(Json(CalendarsOut { items, next_cursor: None }))
}

/// Read one calendar.
#[utoipa::path(
    tag = "directory", operation_id = "directory_read_calendar", security(("bearer" = ["calendars.read"])),
    params(("id" = CalendarId, Path)),
    responses((status = 200, body = CalendarOut), (status = 404, body = Problem))
)]
#[get("/calendars/{id}")]
pub(super) async fn read(
    app: Data<App>,
    caller: Caller,
    id: Path<CalendarId>,
) -> Result<Versioned<CalendarOut>, Error> {
    Ok(versioned(app.calendar(&caller, *id).await?, app.clock()))
}

/// List the days of a year that are otherwise than the week: public holidays, make-up days, days of the enterprise's own.
#[utoipa::path(
    tag = "directory", operation_id = "directory_list_calendar_days", security(("bearer" = ["calendars.read"])),
    params(("id" = CalendarId, Path), DaysIn),
    responses((status = 200, body = DaysOut), (status = 404, body = Problem))
)]
#[get("/calendars/{id}/days")]
pub(super) async fn days(
    app: Data<App>,
    caller: Caller,
    id: Path<CalendarId>,
    query: Query<DaysIn>,
) -> Result<Json<DaysOut>, Error> {
    let days = app.calendar(&caller, *id).await?.draft.exceptions();
    let items = days.into_iter().filter(|(date, _)| query.is_about(*date)).map(DayOut::of).collect();
    Ok(Json(DaysOut { items, next_cursor: None }))
}

/// Make a calendar.
#[utoipa::path(
    tag = "directory", operation_id = "directory_create_calendar", security(("bearer" = ["calendars.manage"])),
    responses((status = 201, body = CalendarOut), (status = 422, body = Problem))
)]
#[post("/calendars")]
pub(super) async fn create(
    app: Data<App>,
    caller: Caller,
    body: Json<CalendarIn>,
) -> Result<Versioned<CalendarOut>, Error> {
    let draft = body.into_inner().draft().map_err(Error::InvalidFields)?;
    let calendar = app.create_calendar(&caller, draft).await?;
    Ok(Versioned::created(calendar.version, CalendarOut::of(calendar, app.clock())))
}

/// Change a calendar.
#[utoipa::path(
    tag = "directory", operation_id = "directory_change_calendar", security(("bearer" = ["calendars.manage"])),
    params(("id" = CalendarId, Path), IfMatch),
    responses(
        (status = 200, body = CalendarOut), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 428, body = Problem)
    )
)]
#[put("/calendars/{id}")]
pub(super) async fn change(
    app: Data<App>,
    caller: Caller,
    id: Path<CalendarId>,
    version: IfMatch,
    body: Json<CalendarIn>,
) -> Result<Versioned<CalendarOut>, Error> {
    let draft = body.into_inner().draft().map_err(Error::InvalidFields)?;
    Ok(versioned(app.change_calendar(&caller, *id, version.0, draft).await?, app.clock()))
}

/// Make a calendar the one that counts where nothing else is said.
#[utoipa::path(
    tag = "directory", operation_id = "directory_prefer_calendar", security(("bearer" = ["calendars.manage"])),
    params(("id" = CalendarId, Path), IfMatch),
    responses(
        (status = 200, body = CalendarOut), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 428, body = Problem)
    )
)]
#[put("/calendars/{id}/default")]
pub(super) async fn prefer(
    app: Data<App>,
    caller: Caller,
    id: Path<CalendarId>,
    version: IfMatch,
) -> Result<Versioned<CalendarOut>, Error> {
    Ok(versioned(app.prefer_calendar(&caller, *id, version.0).await?, app.clock()))
}

/// Remove a calendar that is not the default one.
#[utoipa::path(
    tag = "directory", operation_id = "directory_remove_calendar", security(("bearer" = ["calendars.manage"])),
    params(("id" = CalendarId, Path), IfMatch),
    responses(
        (status = 204), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 428, body = Problem)
    )
)]
#[delete("/calendars/{id}")]
pub(super) async fn remove(
    app: Data<App>,
    caller: Caller,
    id: Path<CalendarId>,
    version: IfMatch,
) -> Result<HttpResponse, Error> {
    app.remove_calendar(&caller, *id, version.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn versioned(calendar: Calendar, clock: &Clock) -> Versioned<CalendarOut> {
    Versioned::ok(calendar.version, CalendarOut::of(calendar, clock))
}
