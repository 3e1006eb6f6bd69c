//! Signing in and out.

use actix_web::http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE, USER_AGENT};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get, post};
use scrm_http::{Caller, FirstParty, Problem};

use super::session_dto::{KeysOut, MeOut, SetUpIn, SignInIn, SignedInOut};
use crate::app::{ACCESS_LIFE, App, Error, FirstAdministrator, Origin, Pass};
use crate::domain::session::LONGEST;

/// The cookie in which a browser keeps the refresh token.
const NAME: &str = "scrm_refresh";
/// Where the browser sends it.
const PATH: &str = "/api/v1/directory";

/// Sign in with a password.
///
/// The answer has a token for the header of requests; a cookie, out of reach of scripts, fetches the next ones.
#[utoipa::path(
    tag = "directory", operation_id = "directory_sign_in",
    responses((status = 200, body = SignedInOut), (status = 401, body = Problem), (status = 429, body = Problem))
)]
#[post("/sign-in")]
pub(super) async fn sign_in(
    app: Data<App>,
    _: FirstParty,
    request: HttpRequest,
    body: Json<SignInIn>,
) -> Result<HttpResponse, Error> {
    let SignInIn { account, password } = body.into_inner();
    Ok(let_in(app.sign_in(&account, password, &origin_of(&request)).await?))
}

/// Fetch the next tokens with the cookie, which is renewed too.
#[utoipa::path(
    tag = "directory", operation_id = "directory_refresh",
    responses((status = 200, body = SignedInOut), (status = 401, body = Problem), (status = 403, body = Problem))
)]
#[post("/refresh")]
pub(super) async fn refresh(
    app: Data<App>,
    _: FirstParty,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let token = cookie_of(&request).ok_or(Error::SessionEnded)?;
    Ok(let_in(app.refresh(&token).await?))
}

/// Make the first administrator of an enterprise, with the one-time code that its start printed.
#[utoipa::path(
    tag = "directory", operation_id = "directory_set_up",
    responses(
        (status = 200, body = SignedInOut), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)
    )
)]
#[post("/setup")]
pub(super) async fn set_up(
    app: Data<App>,
    _: FirstParty,
    request: HttpRequest,
    body: Json<SetUpIn>,
) -> Result<HttpResponse, Error> {
    let SetUpIn { code, account, password, display_name } = body.into_inner();
    let first = FirstAdministrator { login: account, password, display_name };
    Ok(let_in(app.set_up(&code, first, &origin_of(&request)).await?))
}

/// Sign out on this device.
#[utoipa::path(
    tag = "directory", operation_id = "directory_sign_out", security(("bearer" = [])),
    responses((status = 204), (status = 409, body = Problem))
)]
#[post("/sign-out")]
pub(super) async fn sign_out(app: Data<App>, caller: Caller) -> Result<HttpResponse, Error> {
    app.sign_out(&caller, caller.session).await?;
    Ok(forget_cookie())
}

/// Sign out on every device.
#[utoipa::path(
    tag = "directory", operation_id = "directory_sign_out_everywhere", security(("bearer" = [])),
    responses((status = 204), (status = 409, body = Problem))
)]
#[post("/sign-out-everywhere")]
pub(super) async fn sign_out_everywhere(app: Data<App>, caller: Caller) -> Result<HttpResponse, Error> {
    app.sign_out_everywhere(&caller).await?;
    Ok(forget_cookie())
}

/// Read who one is, and what one may do.
#[utoipa::path(
    tag = "directory", operation_id = "directory_read_me", security(("bearer" = [])),
    responses((status = 200, body = MeOut))
)]
#[get("/me")]
pub(super) async fn me(app: Data<App>, caller: Caller) -> Result<Json<MeOut>, Error> {
    let account = app.me(&caller).await?;
    Ok(Json(MeOut::of(&caller, account)))
}

/// Read the public keys with which tokens are checked (RFC 7517).
#[utoipa::path(
    tag = "directory", operation_id = "directory_public_keys", responses((status = 200, body = KeysOut))
)]
#[get("/.well-known/jwks.json")]
pub(super) async fn public_keys(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(app.public_keys())
}

fn let_in(pass: Pass) -> HttpResponse {
    let body = SignedInOut { access_token: pass.access, expires_in: ACCESS_LIFE.as_secs() };
    HttpResponse::Ok()
        .insert_header((SET_COOKIE, cookie(&pass.refresh, LONGEST.as_secs())))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(body)
}

fn forget_cookie() -> HttpResponse {
    HttpResponse::NoContent().insert_header((SET_COOKIE, cookie("", 0))).finish()
}

fn cookie(value: &str, seconds: u64) -> String {
    format!("{NAME}={value}; Path={PATH}; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict")
}

fn cookie_of(request: &HttpRequest) -> Option<String> {
    let headers = request.headers().get_all(COOKIE).filter_map(|header| header.to_str().ok());
    let mut cookies =
        headers.flat_map(|header| header.split(';')).filter_map(|one| one.trim().split_once('='));
    cookies.find(|(name, _)| *name == NAME).map(|(_, value)| value.to_owned())
}

fn origin_of(request: &HttpRequest) -> Origin {
    let user_agent = request.headers().get(USER_AGENT).and_then(|header| header.to_str().ok());
    Origin {
        address: request.peer_addr().map(|address| address.ip().to_string()).unwrap_or_default(),
        user_agent: user_agent.unwrap_or_default().to_owned(),
    }
}
