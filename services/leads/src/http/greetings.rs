//! What welcome messages say.

use actix_web::web::{Data, Json, Query};
use actix_web::{HttpResponse, delete, get, put};
use scrm_http::{Caller, MayMatch, Problem, Versioned};

use super::greeting_dto::{GreetingIn, GreetingOut, GreetingsIn, GreetingsOut};
use crate::app::{App, Error};

/// List what welcome messages say.
#[utoipa::path(
    tag = "leads", operation_id = "leads_list_greetings", security(("bearer" = ["channels.read"])), responses((status = 200, body = GreetingsOut))
)]
#[get("/greetings")]
pub(super) async fn list(app: Data<App>, caller: Caller) -> Result<Json<GreetingsOut>, Error> {
    let greetings = app.greetings(&caller).await?;
    let item = |(channel, greeting, version)| GreetingOut::of(channel, greeting, version);
    Ok(Json(GreetingsOut { items: greetings.into_iter().map(item).collect(), next_cursor: None }))
}

/// Set what the welcome message says, of one channel or by default.
#[utoipa::path(
    tag = "leads", operation_id = "leads_word_greeting", security(("bearer" = ["channels.manage"])),
    params(GreetingsIn, MayMatch),
    responses((status = 200, body = GreetingOut), (status = 409, body = Problem), (status = 422, body = Problem))
)]
#[put("/greetings")]
pub(super) async fn put(
    app: Data<App>,
    caller: Caller,
    query: Query<GreetingsIn>,
    version: MayMatch,
    body: Json<GreetingIn>,
) -> Result<Versioned<GreetingOut>, Error> {
    let (channel, GreetingIn { text, attachments }) = (query.into_inner().channel, body.into_inner());
    let attachments = attachments.into_iter().map(Into::into).collect();
    let worded = app.word_greeting(&caller, channel.as_deref(), &text, attachments, version.0).await?;
    let (greeting, version) = worded;
    Ok(Versioned::ok(version, GreetingOut::of(channel, greeting, version)))
}

/// Send no welcome message any more, through one channel or by default.
#[utoipa::path(
    tag = "leads", operation_id = "leads_drop_greeting", security(("bearer" = ["channels.manage"])),
    params(GreetingsIn, MayMatch),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
#[delete("/greetings")]
pub(super) async fn remove(
    app: Data<App>,
    caller: Caller,
    query: Query<GreetingsIn>,
    version: MayMatch,
) -> Result<HttpResponse, Error> {
    app.drop_greeting(&caller, query.into_inner().channel.as_deref(), version.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
