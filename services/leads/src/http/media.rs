//! Files to attach to messages.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_TYPE, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};
use actix_web::web::{Bytes, Data, Json, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use aws_lc_rs::digest::{SHA256, digest};
use scrm_db::idempotency::{Answer, RequestHash};
use scrm_http::body::{self, Unread};
use scrm_http::problem::malformed;
use scrm_http::{Caller, IdempotencyKey, Problem, replay};
use scrm_kernel::{FieldError, MediaId};

use super::media_dto::{FileContent, MediaIn, MediaListIn, MediaListOut, MediaOut};
use crate::app::{App, Error, Kept, NewMedia, Repeatable};
use crate::domain::media::{Kind, Media};

/// How long a body may take: 20 MB over a slow line.
const READ_TIME: Duration = Duration::from_mins(2);

/// Keep a file, to attach it to greetings.
///
/// The body is the file itself, no form. The same content of the same kind is kept once: it answers 200 with what is
/// there, under the name it has.
#[utoipa::path(
    tag = "leads", operation_id = "leads_keep_media", security(("bearer" = ["media.manage"])),
    params(MediaIn, IdempotencyKey),
    request_body(content = FileContent, content_type = "application/octet-stream"),
    responses(
        (status = 200, body = MediaOut), (status = 201, body = MediaOut), (status = 409, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)
    )
)]
#[post("/media")]
pub(super) async fn keep(
    app: Data<App>,
    caller: Caller,
    key: IdempotencyKey,
    query: Query<MediaIn>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Error> {
    let MediaIn { kind, name } = query.into_inner();
    let problem = || Error::Invalid(FieldError::new("kind", "must be image, video or file"));
    let kind = Kind::parse(&kind).ok_or_else(problem)?;
    if is_form(&request) {
        let detail = "body: must be the file itself, not a form".to_owned();
        return Ok(malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_a_file", detail));
    }
    let content = match body::read(&request, payload, kind.most_bytes(), READ_TIME).await {
        Ok(content) => content,
        Err(Unread::TooLarge) => return Err(Error::Invalid(kind.too_large())),
        Err(unread) => return Ok(refuse(unread)),
    };
    let scope = format!("POST /api/v1/leads/media {}", caller.subject);
    let hash = hash_of(kind, &name, &content)?;
    let repeatable = key.as_deref().map(|key| Repeatable { scope: &scope, key, hash });
    let new = NewMedia { kind, name, content };
    Ok(match app.keep_media(&caller, new, repeatable, answer_of).await? {
        Kept::Made(media) => HttpResponse::Created().json(MediaOut::from(media)),
        Kept::There(media) => HttpResponse::Ok().json(MediaOut::from(media)),
        Kept::Before(Answer { status, body }) => replay(status, body),
    })
}

fn is_form(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|text| text.trim_start().to_ascii_lowercase().starts_with("multipart/"))
}

fn hash_of(kind: Kind, name: &str, content: &Bytes) -> Result<RequestHash, Error> {
    let content = hex::encode(digest(&SHA256, content));
    RequestHash::of(&(kind.as_str(), name, content))
        .map_err(|error| Error::Invalid(FieldError::new("body", error.to_string())))
}

fn answer_of(media: &Media, is_new: bool) -> Answer {
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let body = serde_json::to_vec(&MediaOut::from(media.clone())).unwrap_or_default();
    Answer { status: status.as_u16(), body }
}

fn refuse(unread: Unread) -> HttpResponse {
    match unread {
        Unread::Slow => {
            let detail = "body: took too long".to_owned();
            malformed(StatusCode::REQUEST_TIMEOUT, "slow_body", detail)
        }
        Unread::TooLarge | Unread::Broken => {
            malformed(StatusCode::BAD_REQUEST, "bad_body", "body: has no end".to_owned())
        }
    }
}

/// List files, newest first.
#[utoipa::path(
    tag = "leads", operation_id = "leads_list_media", security(("bearer" = ["media.read"])),
    params(MediaListIn),
    responses((status = 200, body = MediaListOut), (status = 422, body = Problem))
)]
#[get("/media")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    query: Query<MediaListIn>,
) -> Result<Json<MediaListOut>, Error> {
    let MediaListIn { limit, cursor } = query.into_inner();
    let page = scrm_http::page_of(limit, cursor).map_err(Error::Invalid)?;
    Ok(Json(app.media_list(&caller, &page).await?.into()))
}

/// Read what is known of a file.
#[utoipa::path(
    tag = "leads", operation_id = "leads_read_media", security(("bearer" = ["media.read"])),
    params(("id" = MediaId, Path)),
    responses((status = 200, body = MediaOut), (status = 404, body = Problem))
)]
#[get("/media/{id}")]
pub(super) async fn read(app: Data<App>, caller: Caller, id: Path<MediaId>) -> Result<Json<MediaOut>, Error> {
    Ok(Json(app.media(&caller, *id).await?.into()))
}

/// Read a file's bytes.
#[utoipa::path(
    tag = "leads", operation_id = "leads_read_media_content", security(("bearer" = ["media.read"])),
    params(("id" = MediaId, Path)),
    responses(
        (status = 200, body = FileContent, content_type = "application/octet-stream"),
        (status = 404, body = Problem), (status = 503, body = Problem)
    )
)]
#[get("/media/{id}/content")]
pub(super) async fn download(
    app: Data<App>,
    caller: Caller,
    id: Path<MediaId>,
) -> Result<HttpResponse, Error> {
    let (media, content) = app.media_content(&caller, *id).await?;
    let name = ExtendedValue {
        charset: Charset::Ext("UTF-8".to_owned()),
        language_tag: None,
        value: media.name.into_bytes(),
    };
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::FilenameExt(name)],
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media.kind.content_type(&content)))
        .insert_header(disposition)
        // A browser must not make anything else of what somebody uploaded.
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(content))
}

/// Remove a file that no greeting uses.
#[utoipa::path(
    tag = "leads", operation_id = "leads_remove_media", security(("bearer" = ["media.manage"])),
    params(("id" = MediaId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
#[delete("/media/{id}")]
pub(super) async fn remove(app: Data<App>, caller: Caller, id: Path<MediaId>) -> Result<HttpResponse, Error> {
    app.remove_media(&caller, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}
