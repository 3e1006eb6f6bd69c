//! Connected apps.

use actix_web::web::{Data, Json, Path};
use actix_web::{get, put};
use scrm_http::{Caller, MayMatch, Problem, Versioned};

use super::dto::{AppIn, AppOut, AppsOut, CallbackIn};
use crate::app::{App, Error};
use crate::domain::connection;

/// List the connected apps of the enterprise.
#[utoipa::path(tag = "ingest", operation_id = "ingest_list_apps", security(("bearer" = ["connections.read"])), responses((status = 200, body = AppsOut)))]
#[get("/apps")]
pub(super) async fn list(app: Data<App>, caller: Caller) -> Result<Json<AppsOut>, Error> {
    let apps = app.apps(&caller).await?;
    Ok(Json(AppsOut { items: apps.into_iter().map(AppOut::from).collect(), next_cursor: None }))
}

/// Connect an app, or replace its secrets.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_connect_app", security(("bearer" = ["connections.manage"])),
    params(("app" = String, Path), MayMatch),
    responses((status = 200, body = AppOut), (status = 409, body = Problem), (status = 422, body = Problem))
)]
#[put("/apps/{app}")]
pub(super) async fn connect(
    app: Data<App>,
    caller: Caller,
    name: Path<String>,
    version: MayMatch,
    body: Json<AppIn>,
) -> Result<Versioned<AppOut>, Error> {
    let connection = body.into_inner().into_connection(name.into_inner(), version.0);
    Ok(versioned(app.connect_app(&caller, &connection).await?))
}

/// Set token and key with which an app is called back.
///
/// Of a 代开发 app, whose authorisation came through its suite, they are what is left to set up.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_set_app_callback", security(("bearer" = ["connections.manage"])),
    params(("app" = String, Path), MayMatch),
    responses(
        (status = 200, body = AppOut), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)
    )
)]
#[put("/apps/{app}/callback")]
pub(super) async fn set_callback(
    app: Data<App>,
    caller: Caller,
    name: Path<String>,
    version: MayMatch,
    body: Json<CallbackIn>,
) -> Result<Versioned<AppOut>, Error> {
    let CallbackIn { token, encoding_aes_key } = body.into_inner();
    Ok(versioned(app.set_app_callback(&caller, &name, &token, &encoding_aes_key, version.0).await?))
}

fn versioned(app: connection::App) -> Versioned<AppOut> {
    Versioned::ok(app.version, app.into())
}
