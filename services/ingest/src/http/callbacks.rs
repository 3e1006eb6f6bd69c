//! What arrived.

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use scrm_http::{Caller, Problem};
use scrm_kernel::FieldError;

use super::dto::{CallbacksIn, CallbacksOut};
use crate::app::{App, Error};
use crate::domain::callback::State;

/// List the callbacks of the enterprise, newest first, without their bodies.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_list_callbacks", params(CallbacksIn),
    responses((status = 200, body = CallbacksOut), (status = 422, body = Problem))
)]
#[get("/callbacks")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    query: Query<CallbacksIn>,
) -> Result<Json<CallbacksOut>, Error> {
    let query = query.into_inner();
    let wrong = |field, message: &str| Error::Invalid(vec![FieldError::new(field, message)]);
    let state = match query.state.as_deref() {
        None => None,
        Some(text) => Some(State::parse(text).ok_or_else(|| wrong("state", "must be stored or late"))?),
    };
    let page = scrm_http::page_of(query.limit, query.cursor).map_err(|error| Error::Invalid(vec![error]))?;
    let callbacks = app.callbacks(caller.corp, state, &page).await?;
    Ok(Json(callbacks.into()))
}
