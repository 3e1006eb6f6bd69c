//! What arrived.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{get, post};
use scrm_http::{Caller, Problem};
use scrm_kernel::FieldError;

use super::dto::{CallbackOut, CallbacksIn, CallbacksOut};
use crate::app::{App, Error};
use crate::domain::callback::State;

/// List the callbacks of the enterprise, newest first, without their bodies.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_list_callbacks", security(("bearer" = ["callbacks.read"])),
    params(CallbacksIn),
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
    let callbacks = app.callbacks(&caller, state, &page).await?;
    Ok(Json(callbacks.into()))
}

/// Have a callback processed once more, a late one too.
///
/// Its event is published under a new message id. What it caused before is not done again.
#[utoipa::path(
    tag = "ingest", operation_id = "ingest_replay_callback", security(("bearer" = ["callbacks.replay"])),
    params(("seq" = i64, Path)),
    responses((status = 200, body = CallbackOut), (status = 404, body = Problem), (status = 409, body = Problem))
)]
#[post("/callbacks/{seq}/replay")]
pub(super) async fn replay(
    app: Data<App>,
    caller: Caller,
    seq: Path<i64>,
) -> Result<Json<CallbackOut>, Error> {
    let callback = app.replay_callback(&caller, *seq, &caller.subject).await?;
    let (corp, by, seq) = (caller.corp, caller.subject.as_str(), callback.seq);
    tracing::info!(audit = "replay", corp.id = %corp, by, callback.seq = seq, "{by} replays callback {seq}");
    Ok(Json(callback.into()))
}
