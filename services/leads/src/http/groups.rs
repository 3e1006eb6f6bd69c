//! Routing groups.

use actix_web::web::{Data, Json, Path};
use actix_web::{get, put};
use scrm_http::{Caller, MayMatch, Problem, Versioned};

use super::group_dto::{GroupIn, GroupOut, GroupsOut};
use crate::app::{App, Error};

/// List the routing groups.
#[utoipa::path(tag = "leads", operation_id = "leads_list_groups", security(("bearer" = ["routing.read"])), responses((status = 200, body = GroupsOut)))]
#[get("/groups")]
pub(super) async fn list(app: Data<App>, caller: Caller) -> Result<Json<GroupsOut>, Error> {
    let (groups, today) = app.groups(&caller).await?;
    let items = groups.into_iter().map(|group| GroupOut::of(group, &today)).collect();
    Ok(Json(GroupsOut { items, next_cursor: None }))
}

/// Read one routing group.
#[utoipa::path(
    tag = "leads", operation_id = "leads_read_group", security(("bearer" = ["routing.read"])),
    params(("name" = String, Path)),
    responses((status = 200, body = GroupOut), (status = 404, body = Problem))
)]
#[get("/groups/{name}")]
pub(super) async fn read(
    app: Data<App>,
    caller: Caller,
    name: Path<String>,
) -> Result<Versioned<GroupOut>, Error> {
    let (group, today) = app.group(&caller, &name).await?;
    Ok(Versioned::ok(group.version, GroupOut::of(group, &today)))
}

/// Add a routing group, or change it.
#[utoipa::path(
    tag = "leads", operation_id = "leads_put_group", security(("bearer" = ["routing.manage"])),
    params(("name" = String, Path), MayMatch),
    responses((status = 200, body = GroupOut), (status = 409, body = Problem), (status = 422, body = Problem))
)]
#[put("/groups/{name}")]
pub(super) async fn put_one(
    app: Data<App>,
    caller: Caller,
    name: Path<String>,
    version: MayMatch,
    body: Json<GroupIn>,
) -> Result<Versioned<GroupOut>, Error> {
    let form = body.into_inner().into_form(name.into_inner(), version.0);
    let (group, today) = app.put_group(&caller, &form).await?;
    Ok(Versioned::ok(group.version, GroupOut::of(group, &today)))
}
