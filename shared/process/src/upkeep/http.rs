//! The handlers. They name neither tag nor service: `scrm_http::document` takes both from the path.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{get, post};
use scrm_http::{Caller, Problem, Versioned};
use scrm_kernel::access::Action;
use scrm_kernel::{Cursor, DeadLetterId, FieldError};
use scrm_mq::keeper::{Chosen, DeadLetter, Filter, State};

use super::dto::{
    DeadLetterDetailOut, DeadLetterOut, DeadLettersIn, DeadLettersOut, DiscardIn, RedriveIn, RedrivenOut,
    RepublishIn, RepublishedOut,
};
use super::error::Error;
use super::{Desk, MOST_REDRIVEN};

/// Letters of the reason of a decision.
const LONGEST_REASON: usize = 500;

fn wrong(field: &str, message: impl Into<String>) -> Error {
    Error::Invalid(FieldError::new(field, message))
}

/// List the events that the service gave up, newest first, without their bodies.
#[utoipa::path(
    operation_id = "list_dead_letters", security(("bearer" = ["dead_letters.read"])),
    params(DeadLettersIn),
    responses((status = 200, body = DeadLettersOut), (status = 403, body = Problem), (status = 422, body = Problem))
)]
#[get("")]
pub(super) async fn list(
    desk: Data<Desk>,
    caller: Caller,
    query: Query<DeadLettersIn>,
) -> Result<Json<DeadLettersOut>, Error> {
    let corp = caller.allow(Action::ReadDeadLetters)?;
    let DeadLettersIn { state, queue, limit, cursor } = query.into_inner();
    let state = match state.as_deref() {
        None => None,
        Some(text) => Some(
            State::parse(text)
                .ok_or_else(|| wrong("state", "must be waiting, redriving, redriven or discarded"))?,
        ),
    };
    // A zero character is in no name of a queue, and PostgreSQL does not even compare it.
    let queue = queue.map(|queue| queue.replace('\0', "?"));
    let page = scrm_http::page_of(limit, cursor).map_err(Error::Invalid)?;
    let before = page.cursor.as_ref().map(Cursor::key).transpose()?;
    let letters = desk.office.list(corp, &Filter { state, queue }, &page, before).await?;
    Ok(Json(letters.into()))
}

/// Read one event that the service gave up, with its body.
#[utoipa::path(
    operation_id = "read_dead_letter", security(("bearer" = ["dead_letters.read"])),
    params(("id" = DeadLetterId, Path)),
    responses(
        (status = 200, body = DeadLetterDetailOut), (status = 403, body = Problem), (status = 404, body = Problem)
    )
)]
#[get("/{id}")]
pub(super) async fn read(
    desk: Data<Desk>,
    caller: Caller,
    id: Path<DeadLetterId>,
) -> Result<Versioned<DeadLetterDetailOut>, Error> {
    let corp = caller.allow(Action::ReadDeadLetters)?;
    let letter = desk.office.read(corp, *id).await?;
    let body = desk.office.body(corp, *id).await?;
    audit("read", &caller, &letter);
    Ok(Versioned::ok(letter.version, DeadLetterDetailOut::of(letter, body)))
}

/// Put an event back into the queue in which it was given up.
///
/// It is `redriving` until the broker has it safe, a moment later. If it is given up again, it waits again.
#[utoipa::path(
    operation_id = "redrive_dead_letter", security(("bearer" = ["dead_letters.handle"])),
    params(("id" = DeadLetterId, Path)),
    responses(
        (status = 200, body = DeadLetterOut), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)
    )
)]
#[post("/{id}/redrive")]
pub(super) async fn redrive(
    desk: Data<Desk>,
    caller: Caller,
    id: Path<DeadLetterId>,
) -> Result<Versioned<DeadLetterOut>, Error> {
    let corp = caller.allow(Action::HandleDeadLetters)?;
    let letter = desk.office.redrive(corp, *id, &caller.subject).await?;
    audit("redrive", &caller, &letter);
    Ok(Versioned::ok(letter.version, letter.into()))
}

/// Give an event up for good.
#[utoipa::path(
    operation_id = "discard_dead_letter", security(("bearer" = ["dead_letters.handle"])),
    params(("id" = DeadLetterId, Path)),
    responses(
        (status = 200, body = DeadLetterOut), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)
    )
)]
#[post("/{id}/discard")]
pub(super) async fn discard(
    desk: Data<Desk>,
    caller: Caller,
    id: Path<DeadLetterId>,
    body: Json<DiscardIn>,
) -> Result<Versioned<DeadLetterOut>, Error> {
    let corp = caller.allow(Action::HandleDeadLetters)?;
    let reason = body.reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(wrong("reason", format!("must be 1 to {LONGEST_REASON} letters")));
    }
    let letter = desk.office.discard(corp, *id, &caller.subject, reason).await?;
    audit("discard", &caller, &letter);
    Ok(Versioned::ok(letter.version, letter.into()))
}

/// Put many events back into their queues: those with some ids, or the oldest thousand of a queue.
///
/// Those that do not wait any more are passed over. While as many as a thousand are redriven, there may be more.
#[utoipa::path(
    operation_id = "redrive_dead_letters", security(("bearer" = ["dead_letters.handle"])),
    responses((status = 200, body = RedrivenOut), (status = 403, body = Problem), (status = 422, body = Problem))
)]
#[post("/redrive")]
pub(super) async fn redrive_all(
    desk: Data<Desk>,
    caller: Caller,
    body: Json<RedriveIn>,
) -> Result<Json<RedrivenOut>, Error> {
    let corp = caller.allow(Action::HandleDeadLetters)?;
    let chosen = match body.into_inner() {
        RedriveIn { queue: Some(queue), ids: None } => Chosen::Queue(queue.replace('\0', "?")),
        RedriveIn { queue: None, ids: Some(ids) } if ids.len() <= MOST_REDRIVEN => Chosen::Ids(ids),
        RedriveIn { queue: None, ids: Some(_) } => {
            return Err(wrong("ids", format!("must be at most {MOST_REDRIVEN}")));
        }
        _ => return Err(wrong("queue", "either a queue or ids must be given")),
    };
    let redriven = desk.office.redrive_all(corp, &chosen, &caller.subject, MOST_REDRIVEN as u64).await?;
    let by = caller.subject.as_str();
    tracing::info!(audit = "redrive", corp.id = %corp, by, redriven, "{by} redrives {redriven} dead letters");
    Ok(Json(RedrivenOut { redriven }))
}

/// Send again what was sent since a moment: what heals a lost or restored broker.
///
/// Messages keep their ids, so what was handled before is not handled again.
#[utoipa::path(
    operation_id = "republish", security(("bearer" = ["dead_letters.handle"])),
    responses((status = 200, body = RepublishedOut), (status = 403, body = Problem), (status = 422, body = Problem))
)]
#[post("")]
pub(super) async fn republish(
    desk: Data<Desk>,
    caller: Caller,
    body: Json<RepublishIn>,
) -> Result<Json<RepublishedOut>, Error> {
    let corp = caller.allow(Action::HandleDeadLetters)?;
    let republished = desk.republish(corp, body.since).await?;
    let by = caller.subject.as_str();
    tracing::info!(
        audit = "republish", corp.id = %corp, by, republished, since = %body.since,
        "{by} has {republished} events sent again"
    );
    Ok(Json(RepublishedOut { republished }))
}

fn audit(what: &'static str, caller: &Caller, letter: &DeadLetter) {
    let (corp, by, id) = (caller.corp, caller.subject.as_str(), letter.id);
    tracing::info!(
        audit = what, corp.id = %corp, by, dead_letter.id = %id, message.id = %letter.message_id,
        "{by}: {what} dead letter {id}"
    );
}
