//! Departments.

use actix_web::get;
use actix_web::web::{Data, Json};
use scrm_http::Caller;

use super::dto::{DepartmentOut, DepartmentsOut};
use crate::app::{App, Error};

/// List all departments, by number.
#[utoipa::path(
    tag = "directory", operation_id = "directory_list_departments", security(("bearer" = ["staff.read"])),
    responses((status = 200, body = DepartmentsOut))
)]
#[get("/departments")]
pub(super) async fn list(app: Data<App>, caller: Caller) -> Result<Json<DepartmentsOut>, Error> {
    let departments = app.departments(&caller).await?;
    let items = departments.into_iter().map(DepartmentOut::from).collect();
    Ok(Json(DepartmentsOut { items, next_cursor: None }))
}
