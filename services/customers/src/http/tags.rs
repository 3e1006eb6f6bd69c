//! Tags.

use actix_web::web::{Data, Json, Path};
use actix_web::{get, put};
use scrm_http::{Caller, IfMatch, Problem, Versioned};
use scrm_kernel::CustomerId;

use super::customers::member_of;
use super::dto::{RelationOut, TagGroupsOut, TagsIn};
use crate::app::{App, Error};

/// Set the tags that a member gives to a customer.
///
/// WeCom follows: until it has, a tag shows `waiting`, and `refused` if it does not take it.
#[utoipa::path(
    tag = "customers", operation_id = "customers_set_tags",
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
    let view = app.set_tags(&caller.scope(), id, &member, version.0, body.into_inner().tag_ids()).await?;
    Ok(Versioned::ok(view.relation.version, view.into()))
}

/// List the enterprise's tags by group, in WeCom's order.
#[utoipa::path(
    tag = "customers", operation_id = "customers_list_tag_groups",
    responses((status = 200, body = TagGroupsOut))
)]
#[get("/tag-groups")]
pub(super) async fn groups(app: Data<App>, caller: Caller) -> Result<Json<TagGroupsOut>, Error> {
    Ok(Json(app.tag_groups(caller.corp).await?.into()))
}
