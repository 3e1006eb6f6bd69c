//! The control API, `/_control/…`, and the page that watches the sandbox.

mod deeds;
mod events;
mod faults;
mod input;
mod lists;
mod live;
mod page;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Json, Path, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};

use crate::api;
use crate::error::Error;
use crate::record::locked;
use crate::sandbox::Sandbox;
use crate::state::{Corp, Visible};
use input::{BadInput, Fields};

/// Bytes of a request at most, file uploads included.
const MOST_BYTES: usize = 32 << 20;

impl Sandbox {
    /// Adds the page, the control API and WeCom's API to a server.
    pub fn routes(&self, config: &mut ServiceConfig) {
        self.watch();
        let data = Data::new(self.clone());
        let limit = web::PayloadConfig::new(MOST_BYTES);
        config
            .service(
                web::scope("/_control")
                    .app_data(data.clone())
                    .app_data(limit.clone())
                    .route("/company", web::get().to(company))
                    .route("/corp", web::get().to(live::corp))
                    .route("/news", web::get().to(live::news))
                    .route("/apps", web::get().to(apps))
                    .route("/apps/{app}", web::put().to(change_app))
                    .route("/apps/{app}/verify", web::post().to(verify))
                    .route("/events", web::post().to(events::send))
                    .route("/faults", web::get().to(faults::show))
                    .route("/faults", web::put().to(faults::set))
                    .route("/settings", web::get().to(faults::settings))
                    .route("/settings", web::put().to(faults::set_settings))
                    .route("/messages", web::get().to(lists::messages))
                    .route("/callbacks", web::get().to(lists::callbacks))
                    .route("/calls", web::get().to(lists::calls))
                    .default_service(web::to(nothing_here)),
            )
            .service(
                web::resource("/cgi-bin/{tail:.*}").app_data(data).app_data(limit).route(web::to(api::call)),
            )
            .route("/", web::get().to(page::page));
    }
}

/// What a caller of the control API did wrong, or what went wrong here.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Input(#[from] BadInput),
    #[error(transparent)]
    Sandbox(#[from] Error),
    #[error("the process ends")]
    Stopped,
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Input(_) | Self::Sandbox(Error::BadUrl(_)) => StatusCode::BAD_REQUEST,
            Self::Sandbox(Error::UnknownApp(_)) => StatusCode::NOT_FOUND,
            Self::Sandbox(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let field = match self {
            Self::Input(bad) => Some(bad.field.as_str()),
            Self::Sandbox(Error::UnknownApp(_)) => Some("app"),
            Self::Sandbox(Error::BadUrl(_)) => Some("callback_url"),
            _ => None,
        };
        HttpResponse::build(self.status_code()).json(json!({ "error": self.to_string(), "field": field }))
    }
}

async fn nothing_here() -> HttpResponse {
    HttpResponse::NotFound().json(json!({ "error": "there is no such control", "field": null }))
}

async fn company(sandbox: Data<Sandbox>) -> Json<Value> {
    let mut about = live::counters(&sandbox);
    about["seed"] = sandbox.company().seed().into();
    about["company"] = json!(sandbox.company());
    about["endpoints"] = api::names().collect();
    Json(about)
}

async fn apps(sandbox: Data<Sandbox>) -> HttpResponse {
    HttpResponse::Ok().json(sandbox.apps())
}

async fn change_app(app: Path<String>, body: Bytes, sandbox: Data<Sandbox>) -> Result<HttpResponse, Failure> {
    let body = input::json(&body)?;
    let fields = Fields::of(&body, "")?;
    fields.only(&["callback_url", "visible"])?;
    let url = fields.text("callback_url")?.map(str::to_owned);
    let sets_range = fields.members().contains_key("visible");
    if url.is_none() && !sets_range {
        return Err(fields.missing("callback_url").into());
    }
    let corp_id = sandbox.sender(&app)?.installed.corp_id.clone();
    let visible = visible(&fields, &locked(sandbox.corp(&corp_id)))?;
    if let Some(url) = url {
        let (changing, changed) = (sandbox.clone(), app.clone());
        web::block(move || changing.set_callback_url(&changed, &url))
            .await
            .map_err(|_| Failure::Stopped)??;
    }
    if sets_range {
        sandbox.set_visible(&app, visible)?;
    }
    Ok(HttpResponse::Ok().json(sandbox.app(&app)))
}

/// Reads a visible range, whose members and departments must be there; `null` is everybody.
fn visible(fields: &Fields<'_>, corp: &Corp) -> Result<Option<Visible>, BadInput> {
    let Some(range) = fields.object("visible")? else { return Ok(None) };
    range.only(&["user_ids", "department_ids"])?;
    let mut visible = Visible::default();
    for user_id in range.texts("user_ids")? {
        let unknown = || range.bad("user_ids", format!("holds {user_id}, who does not work here"));
        visible.user_ids.push(corp.book.find(user_id).ok_or_else(unknown)?.user_id.clone());
    }
    for id in range.numbers("department_ids")? {
        if corp.book.departments_below(id).is_empty() {
            return Err(range.bad("department_ids", format!("holds {id}, which is no department")));
        }
        visible.department_ids.push(id);
    }
    Ok(Some(visible))
}

async fn verify(app: Path<String>, sandbox: Data<Sandbox>) -> Result<HttpResponse, Failure> {
    Ok(HttpResponse::Ok().json(sandbox.verify(&app).await?))
}
