//! Tags.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, get, post, put};
use scrm_db::idempotency::{Answer, RequestHash};
use scrm_http::{Caller, IdempotencyKey, IfMatch, Problem, Versioned, replay};
use scrm_kernel::{CustomerId, FieldError, TagWishId};

use super::customers::member_of;
use super::dto::{RelationOut, TagGroupsOut, TagsIn};
use super::tag_dto::{NewTagIn, NewTagOut};
use crate::app::{App, Created, Error, Repeatable};
use crate::domain::tag_wish::TagWish;

/// Set the tags that a member gives to a customer.
///
/// WeCom follows: until it has, a tag shows `waiting`, and `refused` if it does not take it.
#[utoipa::path(
    tag = "customers", operation_id = "customers_set_tags", security(("bearer" = ["customers.tag"])),
    params(("id" = CustomerId, Path), ("user_id" = String, Path), IfMatch),
    responses(
        (status = 200, body = RelationOut), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 428, body = Problem)
    )
)]
#[put("/customers/{id}/relations/{user_id}/tags")]
pub(super) async fn set(
    app: Data<App>,
    caller: Caller,
    path: Path<(CustomerId, String)>,
    version: IfMatch,
    body: Json<TagsIn>,
) -> Result<Versioned<RelationOut>, Error> {
    let (id, user) = path.into_inner();
    let member = member_of(&user)?;
    let view = app.set_tags(&caller, id, &member, version.0, body.into_inner().tag_ids()).await?;
    Ok(Versioned::ok(view.relation.version, view.into()))
}

/// Make a tag of the enterprise, in a group that is made if it is missing.
///
/// WeCom follows in a moment: then the tag is `made`, has WeCom's id and stands in its group.
#[utoipa::path(
    tag = "customers", operation_id = "customers_create_tag", security(("bearer" = ["tags.manage"])),
    params(IdempotencyKey),
    responses((status = 201, body = NewTagOut), (status = 409, body = Problem), (status = 422, body = Problem))
)]
#[post("/tags")]
pub(super) async fn create(
    app: Data<App>,
    caller: Caller,
    key: IdempotencyKey,
    body: Json<NewTagIn>,
) -> Result<HttpResponse, Error> {
    let scope = format!("POST /api/v1/customers/tags {}", caller.subject);
    let hash = RequestHash::of(&*body)
        .map_err(|error| Error::Invalid(FieldError::new("body", error.to_string())))?;
    let repeatable = key.as_deref().map(|key| Repeatable { scope: &scope, key, hash });
    let tag = body.parse().map_err(Error::InvalidFields)?;
    match app.create_tag(&caller, tag, repeatable, answer_of).await? {
        Created::Fresh(wish) => Ok(HttpResponse::Created().json(NewTagOut::from(wish))),
        Created::Before(Answer { status, body }) => Ok(replay(status, body)),
    }
}

fn answer_of(wish: &TagWish) -> Answer {
    let body = serde_json::to_vec(&NewTagOut::from(wish.clone())).unwrap_or_default();
    Answer { status: StatusCode::CREATED.as_u16(), body }
}

/// Read a tag that was asked for here: whether WeCom has it by now.
#[utoipa::path(
    tag = "customers", operation_id = "customers_read_tag", security(("bearer" = ["tags.read"])),
    params(("id" = TagWishId, Path)),
    responses((status = 200, body = NewTagOut), (status = 404, body = Problem))
)]
#[get("/tags/{id}")]
pub(super) async fn read(
    app: Data<App>,
    caller: Caller,
    id: Path<TagWishId>,
) -> Result<Json<NewTagOut>, Error> {
    Ok(Json(app.tag_wish(&caller, *id).await?.into()))
}

/// List the enterprise's tags by group, in WeCom's order.
#[utoipa::path(
    tag = "customers", operation_id = "customers_list_tag_groups", security(("bearer" = ["tags.read"])),
    responses((status = 200, body = TagGroupsOut))
)]
#[get("/tag-groups")]
pub(super) async fn groups(app: Data<App>, caller: Caller) -> Result<Json<TagGroupsOut>, Error> {
    Ok(Json(app.tag_groups(&caller).await?.into()))
}
