//! Giving leads to somebody else, and how their customers go over in WeCom.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, Responder as _, get, post};
use scrm_db::idempotency::{Answer, RequestHash};
use scrm_http::{Caller, IdempotencyKey, IfMatch, Problem, Versioned, replay};
use scrm_kernel::{FieldError, LeadId, WecomUserId};

use super::dto::LeadOut;
use super::transfer_dto::{ReassignIn, TransferOut, TransfersOut};
use crate::app::{App, Error, Handing, LeadView, Reassigned, Reassignment, Repeatable};
use crate::domain::reason::Explanation;
use crate::domain::transfer::Message;

/// Give a lead to another member of the staff, or out of the pool.
///
/// The lead has its new owner at once. If the customer is a contact of the former owner, WeCom is asked to hand them
/// over, which takes 24 hours: `transfer` of the lead shows how far that is.
#[utoipa::path(
    tag = "leads", operation_id = "leads_reassign_lead", security(("bearer" = ["leads.reassign"])),
    params(("id" = LeadId, Path), IfMatch, IdempotencyKey), request_body = ReassignIn,
    responses(
        (status = 200, body = LeadOut), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 428, body = Problem),
    )
)]
#[post("/leads/{id}/reassign")]
pub(super) async fn reassign(
    app: Data<App>,
    caller: Caller,
    id: Path<LeadId>,
    version: IfMatch,
    key: IdempotencyKey,
    body: Json<ReassignIn>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let hash = RequestHash::of(&(*id, version.0, &*body))
        .map_err(|error| Error::Invalid(FieldError::new("body", error.to_string())))?;
    let asker = format!("POST /api/v1/leads/leads/reassign {}", caller.subject);
    let repeatable = key.as_deref().map(|key| Repeatable { scope: &asker, key, hash });
    let wanted = wanted_of(*id, version, &body, caller.subject.clone())?;
    match app.reassign_lead(&caller, wanted, repeatable, answer_of).await? {
        Reassigned::Now(view) => {
            Ok(Versioned::ok(view.lead.version, LeadOut::from(*view)).respond_to(&request))
        }
        Reassigned::Before(Answer { status, body }) => Ok(replay(status, body)),
    }
}

fn answer_of(view: &LeadView) -> Answer {
    let body = serde_json::to_vec(&LeadOut::from(view.clone())).unwrap_or_default();
    Answer { status: StatusCode::OK.as_u16(), body }
}

fn wanted_of(lead: LeadId, version: IfMatch, body: &ReassignIn, by: String) -> Result<Reassignment, Error> {
    let mut wrong = Vec::new();
    let to = WecomUserId::parse(&body.user_id);
    let to = to.map_err(|error| wrong.push(FieldError::new("user_id", error.to_string()))).ok();
    let explanation = body.reason.as_deref().map(Explanation::parse).transpose();
    let explanation = explanation.map_err(|problem| wrong.push(FieldError::new("reason", problem))).ok();
    let message = body.message.as_deref().map(Message::parse).transpose();
    let message = message.map_err(|problem| wrong.push(FieldError::new("message", problem))).ok();
    let handing = match body.transfer {
        None => Handing::WherePossible,
        Some(true) => Handing::Demanded,
        Some(false) => Handing::Unwanted,
    };
    match (to, explanation, message) {
        (Some(to), Some(explanation), Some(message)) => {
            Ok(Reassignment { lead, version: version.0, to, explanation, handing, message, by })
        }
        _ => Err(Error::InvalidFields(wrong)),
    }
}

/// List the transfers of a lead's customer between members, newest first.
#[utoipa::path(
    tag = "leads", operation_id = "leads_list_transfers", security(("bearer" = ["leads.read"])),
    params(("id" = LeadId, Path)),
    responses((status = 200, body = TransfersOut), (status = 404, body = Problem))
)]
#[get("/leads/{id}/transfers")]
pub(super) async fn list(
    app: Data<App>,
    caller: Caller,
    id: Path<LeadId>,
) -> Result<Json<TransfersOut>, Error> {
    let transfers = app.transfers(&caller, *id).await?;
    let items = transfers.iter().map(TransferOut::from).collect();
    Ok(Json(TransfersOut { items, next_cursor: None }))
}
