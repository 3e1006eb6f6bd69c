//! What welcome messages say.

use actix_web::web::{Data, Json, Query};
use actix_web::{HttpResponse, delete, get, put};
use scrm_http::{Caller, Problem};

use super::greeting_dto::{GreetingIn, GreetingOut, GreetingsIn, GreetingsOut};
use crate::app::{App, Error};

/// List what welcome messages say.
#[utoipa::path(
    tag = "leads", operation_id = "leads_list_greetings", responses((status = 200, body = GreetingsOut))
)]
#[get("/greetings")]
pub(super) async fn list(app: Data<App>, caller: Caller) -> Result<Json<GreetingsOut>, Error> {
    let greetings = app.greetings(caller.corp).await?;
    let items = greetings.into_iter().map(|(channel, greeting)| GreetingOut::of(channel, greeting)).collect();
    Ok(Json(GreetingsOut { items, next_cursor: None }))
}

/// Set what the welcome message says, of one channel or by default.
#[utoipa::path(
    tag = "leads", operation_id = "leads_word_greeting", params(GreetingsIn),
    responses((status = 200, body = GreetingOut), (status = 422, body = Problem))
)]
#[put("/greetings")]
pub(super) async fn put(
    app: Data<App>,
    caller: Caller,
    query: Query<GreetingsIn>,
    body: Json<GreetingIn>,
) -> Result<Json<GreetingOut>, Error> {
    let (channel, GreetingIn { text, attachments }) = (query.into_inner().channel, body.into_inner());
    let attachments = attachments.into_iter().map(Into::into).collect();
    let greeting = app.word_greeting(caller.corp, channel.as_deref(), &text, attachments).await?;
    Ok(Json(GreetingOut::of(channel, greeting)))
}

/// Send no welcome message any more, through one channel or by default.
#[utoipa::path(
    tag = "leads", operation_id = "leads_drop_greeting", params(GreetingsIn),
    responses((status = 204), (status = 404, body = Problem))
)]
#[delete("/greetings")]
pub(super) async fn remove(
    app: Data<App>,
    caller: Caller,
    query: Query<GreetingsIn>,
) -> Result<HttpResponse, Error> {
    app.drop_greeting(caller.corp, query.into_inner().channel.as_deref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
