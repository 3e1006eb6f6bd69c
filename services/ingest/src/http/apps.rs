//! Connected apps.

use actix_web::web::{Data, Json, Path};
use actix_web::{get, put};
use scrm_http::{Caller, Problem};

use super::dto::{AppIn, AppOut, AppsOut};
use crate::app::{App, Error};

/// List the connected apps of the enterprise.
#[utoipa::path(tag = "ingest", operation_id = "ingest_list_apps", responses((status = 200, body = AppsOut)))]
#[get("/apps")]
pub(super) async fn list(app: Data<App>, caller: Caller) -> Result<Json<AppsOut>, Error> {
    let apps = app.apps(caller.corp).await?;
    Ok(Json(AppsOut { items: apps.into_iter().map(AppOut::from).collect(), next_cursor: None }))
}

/// Connect an app, or replace its secrets.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_connect_app", params(("app" = String, Path)),
    responses((status = 200, body = AppOut), (status = 409, body = Problem), (status = 422, body = Problem))
)]
#[put("/apps/{app}")]
pub(super) async fn connect(
    app: Data<App>,
    caller: Caller,
    name: Path<String>,
    body: Json<AppIn>,
) -> Result<Json<AppOut>, Error> {
    let connection = body.into_inner().into_connection(name.into_inner());
    Ok(Json(app.connect_app(caller.corp, &connection).await?.into()))
}
