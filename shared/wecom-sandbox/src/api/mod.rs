//! WeCom's own API, `/cgi-bin/…`: takes every call down and answers as WeCom does.
//!
//! A call is a task of its own: what was accepted is done and recorded even if the caller hangs up.

mod book;
mod call;
mod contact;
mod endpoint;
mod heard;
mod limit;
mod media;
mod message;
mod multipart;
mod page;
mod suite;
mod tag;
mod token;
mod transfer;
mod way;
mod welcome;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::error::ErrorInternalServerError;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, DATE};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures::stream;
use scrm_kernel::Timestamp;
use serde_json::{Map, Value, json};

use crate::app::{App, CUSTOMIZED, SELF_BUILT, Sender};
use crate::fault::{Fate, Silence};
use crate::record::{CallRecord, locked};
use crate::sandbox::Sandbox;
use crate::state::Corp;
use call::{Call, Refusal, Reply};
use endpoint::{Endpoint, Work};
pub(crate) use endpoint::{find, names};
use heard::Heard;

/// How long a call that is never answered keeps its connection.
const SILENCE: Duration = Duration::from_secs(30);
/// How long WeCom works on one `mark_tag`, so that calls at the same time are under way at the same time.
const MARKING: Duration = Duration::from_millis(4);

/// Takes a call of any method.
pub(crate) async fn call(request: HttpRequest, body: Bytes, sandbox: Data<Sandbox>) -> HttpResponse {
    let heard = Heard::new(&request, body, sandbox.shared.clock.now());
    let fate = sandbox.draw_fate(&heard.name);
    let serving = tokio::spawn(Sandbox::clone(&sandbox).serve(heard, fate));
    let Ok(reply) = serving.await else { return HttpResponse::InternalServerError().finish() };
    match fate.silence {
        None => written(reply, sandbox.shared.clock.now()),
        Some(silence) => {
            if silence == Silence::Timeout {
                tokio::time::sleep(SILENCE).await;
            }
            broken()
        }
    }
}

/// Writes an answer; WeCom's status is 200 whatever the `errcode`.
fn written(reply: Reply, now: Timestamp) -> HttpResponse {
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut response = HttpResponse::Ok();
    response.insert_header((DATE, date));
    match reply {
        Reply::Json(answer) => {
            let errcode = answer.get("errcode").map_or_else(|| "0".to_owned(), ToString::to_string);
            response.insert_header((CONTENT_TYPE, "application/json; charset=UTF-8"));
            response.insert_header(("Error-Code", errcode)).body(answer.to_string())
        }
        Reply::File { content_type, filename, bytes } => {
            let filename: String =
                filename.chars().filter(|character| !"\"\r\n".contains(*character)).collect();
            response.insert_header((CONTENT_TYPE, content_type));
            response
                .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{filename}\"")))
                .body(bytes)
        }
    }
}

/// Ends the connection without an answer.
fn broken() -> HttpResponse {
    let end = async { Err::<Bytes, _>(ErrorInternalServerError("ended on request")) };
    HttpResponse::Ok().streaming(stream::once(Box::pin(end)))
}

impl Sandbox {
    /// Carries a call out, or refuses it, and takes it down.
    async fn serve(self, heard: Heard, fate: Fate) -> Reply {
        let begun = Instant::now();
        let reply = match fate.errcode {
            Some(errcode) => {
                tokio::time::sleep(fate.latency).await;
                Reply::Json(heard.refused_on_request(errcode).json())
            }
            None => self
                .answered(&heard, fate.latency)
                .await
                .unwrap_or_else(|refusal| Reply::Json(refusal.json())),
        };
        self.shared.calls.push(&CallRecord {
            time: heard.time,
            method: heard.method.clone(),
            path: heard.path.clone(),
            query: heard.shown_query(),
            body: heard.taken_down(),
            answer: heard::answer_taken_down(&reply),
            ms: u32::try_from(begun.elapsed().as_millis()).ok(),
            fault: fate.silence.map(|silence| silence.name().to_owned()),
        });
        reply
    }

    async fn answered(&self, heard: &Heard, latency: Duration) -> Result<Reply, Refusal> {
        let unknown = || Refusal::new(40094, format!("invalid url, the sandbox has no {}", heard.path));
        let endpoint = find(&heard.name).ok_or_else(unknown)?;
        // A greeting that takes its time keeps others from being sent, so it waits later.
        if !matches!(endpoint.work, Work::Welcome) && !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if let Work::Token = endpoint.work {
            return self.token(heard);
        }
        let sender = match endpoint.work {
            Work::SuiteToken => self.named_suite(heard)?,
            Work::Suite(_) | Work::PermanentCode => self.suite_bearer(heard)?,
            _ => self.bearer(heard)?,
        };
        let app = &sender.installed;
        self.limited(app, endpoint.name, heard)?;
        if endpoint.is_post && heard.method != "POST" {
            return Err(Refusal::parameter("this API is called by POST"));
        }
        let takes_file = matches!(endpoint.work, Work::Upload | Work::UploadPicture);
        let body = if takes_file { Map::new() } else { heard.json()? };
        let call = Call { now: heard.time, app, query: &heard.query, body: &body };
        self.settle();
        let reply = self.worked(endpoint, &call, heard, latency).await;
        if endpoint.name == transfer::NAME {
            self.look_at_transfers();
        }
        reply
    }

    async fn worked(
        &self,
        endpoint: &Endpoint,
        call: &Call<'_>,
        heard: &Heard,
        latency: Duration,
    ) -> Result<Reply, Refusal> {
        let corp = self.corp(&call.app.corp_id);
        match endpoint.work {
            Work::Token => self.token(heard),
            Work::State(work) | Work::Suite(work) => Ok(work(&mut locked(corp), call).into()),
            Work::SuiteToken => Ok(suite::suite_token(&mut locked(corp), call).into()),
            Work::PermanentCode => suite::permanent_code(&mut locked(corp), call).map(Reply::Json),
            Work::Upload => {
                let file = heard.file();
                Ok(media::upload(&mut locked(corp), call, file).into())
            }
            Work::UploadPicture => {
                let file = heard.file();
                Ok(media::upload_picture(&mut locked(corp), call, file).into())
            }
            Work::File => media::get(&mut locked(corp), call),
            Work::Welcome => {
                let claim = welcome::claim(&mut locked(corp), call)?;
                if !latency.is_zero() {
                    tokio::time::sleep(latency).await;
                }
                Ok(Ok(welcome::deliver(&mut locked(corp), claim)).into())
            }
            Work::MarkTag => {
                begin_marking(&mut locked(corp))?;
                tokio::time::sleep(MARKING).await;
                let corp = &mut locked(corp);
                corp.marking -= 1;
                Ok(tag::mark(corp, call).into())
            }
        }
    }

    fn token(&self, heard: &Heard) -> Result<Reply, Refusal> {
        let (corp_id, secret) = token::named(&heard.query)?;
        let corp = self.shared.corps.get(corp_id).ok_or_else(|| Refusal::new(40013, "invalid corpid"))?;
        let senders = self.senders();
        let opens = |app: &App| match app.kind.as_str() {
            SELF_BUILT => app.secret == secret,
            CUSTOMIZED => locked(corp).suites.permanent_code(&app.app) == Some(secret),
            _ => false,
        };
        let mut of_corp = senders.iter().map(|sender| &sender.installed).filter(|app| app.corp_id == corp_id);
        let app = of_corp.find(|app| opens(app)).ok_or_else(|| Refusal::new(40001, "invalid credential"))?;
        self.limited(app, "gettoken", heard)?;
        let (token, expires_in) = token::issue(&mut locked(corp), app, heard.time);
        Ok(Reply::from(Ok(json!({ "access_token": token, "expires_in": expires_in }))))
    }

    /// Returns the suite that a call for the token of one names.
    fn named_suite(&self, heard: &Heard) -> Result<Arc<Sender>, Refusal> {
        let body = heard.json()?;
        let suite_id = body.get("suite_id").and_then(Value::as_str).filter(|suite_id| !suite_id.is_empty());
        let suite_id = suite_id.ok_or_else(|| Refusal::new(41021, "missing suite_id"))?;
        let mut senders = self.senders().into_iter();
        let sender = senders.find(|sender| sender.shown.suite_id.as_deref() == Some(suite_id));
        sender.ok_or_else(|| Refusal::new(40083, "invalid suite_id"))
    }

    /// Returns the suite whose token a call brings.
    fn suite_bearer(&self, heard: &Heard) -> Result<Arc<Sender>, Refusal> {
        let token = heard.query.get("suite_access_token").filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| Refusal::new(41022, "suite_access_token missing"))?;
        let corp = self.corp(&self.shared.company.corp_id);
        let app = suite::check(&locked(corp).suite_tokens, token, heard.time.timestamp_millis())?;
        self.sender(&app).map_err(|_| Refusal::new(40082, "invalid suite_token"))
    }

    /// Returns the app whose token a call brings, from an address that is trusted.
    fn bearer(&self, heard: &Heard) -> Result<Arc<Sender>, Refusal> {
        let token = heard.query.get("access_token").filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| Refusal::new(41001, "access_token missing"))?;
        let mut corps = self.shared.corps.values();
        let app = corps.find_map(|corp| token::bearer(&locked(corp), token, heard.time));
        let invalid = || Refusal::new(40014, "invalid access_token");
        let sender = self.sender(&app.ok_or_else(invalid)??).map_err(|_| invalid())?;
        if locked(self.corp(&sender.installed.corp_id)).settings.trusts(heard.peer) {
            return Ok(sender);
        }
        Err(heard.untrusted())
    }

    fn limited(&self, app: &App, name: &str, heard: &Heard) -> Result<(), Refusal> {
        let now = self.shared.clock.now().timestamp_millis();
        limit::counted(&mut locked(self.corp(&app.corp_id)), app, name, heard.peer, now)
    }
}

fn begin_marking(corp: &mut Corp) -> Result<(), Refusal> {
    if corp.marking >= corp.settings.mark_tag_parallel {
        return Err(Refusal::new(45033, "api concurrent out of limit"));
    }
    corp.marking += 1;
    Ok(())
}
