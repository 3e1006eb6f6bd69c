//! Channels.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse, Responder as _, delete, get, post, put};
use scrm_db::idempotency::{Answer, RequestHash};
use scrm_http::{Caller, IdempotencyKey, IfMatch, Problem, Versioned, replay};
use scrm_kernel::{ChannelId, FieldError};

use super::channel_dto::{ChannelIn, ChannelOut, ChannelsIn, ChannelsOut};
use crate::app::{App, ChannelView, Created, Error, Repeatable};

/// Make a channel.
///
/// Its code is there as soon as WeCom has made one, which takes a moment: `qr_code` is null until then.
#[utoipa::path(
    tag = "leads", operation_id = "leads_create_channel", security(("bearer" = ["channels.manage"])),
    params(IdempotencyKey),
    responses((status = 201, body = ChannelOut), (status = 409, body = Problem), (status = 422, body = Problem))
)]
#[post("/channels")]
pub(super) async fn create(
    app: Data<App>,
    caller: Caller,
    key: IdempotencyKey,
    request: HttpRequest,
    body: Json<ChannelIn>,
) -> Result<HttpResponse, Error> {
    let body = body.into_inner();
    let scope = format!("POST /api/v1/leads/channels {}", caller.subject);
    let hash =
        RequestHash::of(&body).map_err(|error| Error::Invalid(FieldError::new("body", error.to_string())))?;
    let repeatable = key.as_deref().map(|key| Repeatable { scope: &scope, key, hash });
    match app.create_channel(&caller, body.into(), repeatable, answer_of).await? {
        Created::Fresh(view) => {
            let version = view.channel.version;
            Ok(Versioned::created(version, ChannelOut::from(*view)).respond_to(&request))
        }
        Created::Before(Answer { status, body }) => Ok(replay(status, body)),
    }
}

fn answer_of(view: &ChannelView) -> Answer {
    let body = serde_json::to_vec(&ChannelOut::from(view.clone())).unwrap_or_default();
    Answer { status: StatusCode::CREATED.as_u16(), body }
}

/// List channels, newest first.
#[utoipa::path(
    tag = "leads", operation_id = "leads_list_channels", security(("bearer" = ["channels.read"])),
    params(ChannelsIn),
    responses((status = 200, body = ChannelsOut), (status = 422, body = Problem))
)]
#[get("/channels")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    query: Query<ChannelsIn>,
) -> Result<Json<ChannelsOut>, Error> {
    let ChannelsIn { limit, cursor } = query.into_inner();
    let page = scrm_http::page_of(limit, cursor).map_err(Error::Invalid)?;
    Ok(Json(app.channels(&caller, &page).await?.into()))
}

/// Read one channel.
#[utoipa::path(
    tag = "leads", operation_id = "leads_read_channel", security(("bearer" = ["channels.read"])),
    params(("id" = ChannelId, Path)),
    responses((status = 200, body = ChannelOut), (status = 404, body = Problem))
)]
#[get("/channels/{id}")]
pub(super) async fn read(
    app: Data<App>,
    caller: Caller,
    id: Path<ChannelId>,
) -> Result<Versioned<ChannelOut>, Error> {
    Ok(versioned(app.channel(&caller, *id).await?))
}

/// Change a channel: everything but its `state`.
#[utoipa::path(
    tag = "leads", operation_id = "leads_change_channel", security(("bearer" = ["channels.manage"])),
    params(("id" = ChannelId, Path), IfMatch),
    responses(
        (status = 200, body = ChannelOut), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 428, body = Problem)
    )
)]
#[put("/channels/{id}")]
pub(super) async fn change(
    app: Data<App>,
    caller: Caller,
    id: Path<ChannelId>,
    version: IfMatch,
    body: Json<ChannelIn>,
) -> Result<Versioned<ChannelOut>, Error> {
    let draft = body.into_inner().into();
    Ok(versioned(app.change_channel(&caller, *id, version.0, draft).await?))
}

/// End a channel and delete its code in WeCom.
#[utoipa::path(
    tag = "leads", operation_id = "leads_end_channel", security(("bearer" = ["channels.manage"])),
    params(("id" = ChannelId, Path), IfMatch),
    responses(
        (status = 204), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 428, body = Problem)
    )
)]
#[delete("/channels/{id}")]
pub(super) async fn end(
    app: Data<App>,
    caller: Caller,
    id: Path<ChannelId>,
    version: IfMatch,
) -> Result<HttpResponse, Error> {
    app.end_channel(&caller, *id, version.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn versioned(view: ChannelView) -> Versioned<ChannelOut> {
    Versioned::ok(view.channel.version, view.into())
}
