//! The cards that told of a lead.

use actix_web::get;
use actix_web::web::{Data, Json, Path};
use scrm_http::{Caller, Moment, Problem};
use scrm_kernel::{Cursor, LeadId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, CardView, Error};
use crate::domain::card::NEW_LEAD;
use crate::domain::sending::State;

/// All cards about a lead.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadCards)]
pub(super) struct CardsOut {
    items: Vec<CardOut>,
    next_cursor: Option<Cursor>,
}

/// A card in WeCom that tells the owner of a lead.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadCard)]
struct CardOut {
    /// How it is called in WeCom.
    task_id: String,
    kind: &'static str,
    /// Who gets it, in WeCom's spelling.
    user_id: String,
    assigned_at: Moment,
    /// `wanted`, `calling`: on its way; `sent`; `refused`: WeCom did not take it; `unknown`: nobody can tell whether
    /// WeCom took it; `skipped`: told together with others, or out of date.
    state: &'static str,
    /// When that became certain.
    at: Option<Moment>,
    attempts: i32,
    /// What went wrong last.
    problem: Option<String>,
    /// The message that tells of it together with others, when it came in a minute with too many.
    together: Option<TogetherOut>,
    answer: Option<AnswerOut>,
    /// When somebody else became the owner.
    superseded_at: Option<Moment>,
    /// Whether the card shows the answer, or that it is out of date: states as above; null when it need not.
    change: Option<&'static str>,
}

/// A message that tells of all further leads of a minute.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadCardTogether)]
struct TogetherOut {
    /// When the minute began.
    minute: Moment,
    /// As of a card.
    state: &'static str,
    /// When that became certain.
    at: Option<Moment>,
}

/// What the member answered.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadCardAnswer)]
struct AnswerOut {
    /// `follow`, `later`.
    button: &'static str,
    user_id: String,
    at: Moment,
}

impl From<CardView> for CardOut {
    fn from(CardView { card, together }: CardView) -> Self {
        let together = card.gathered_in.zip(together);
        Self {
            task_id: card.task.as_str().to_owned(),
            kind: NEW_LEAD,
            user_id: card.user.into(),
            assigned_at: card.assigned_at.into(),
            state: card.progress.state.as_str(),
            at: card.settled_at.map(Moment::from),
            attempts: card.progress.attempts,
            problem: card.problem,
            together: together.map(|(minute, (state, at))| TogetherOut {
                minute: minute.into(),
                state: state.as_str(),
                at: at.map(Moment::from),
            }),
            answer: card.answered.map(|answered| AnswerOut {
                button: answered.button.key(),
                user_id: answered.by.into(),
                at: answered.at.into(),
            }),
            superseded_at: card.superseded_at.map(Moment::from),
            change: card.change.map(|change| State::as_str(change.state)),
        }
    }
}

/// List the cards about a lead, in the order of its assignments.
#[utoipa::path(
    tag = "leads", operation_id = "leads_list_cards", security(("bearer" = ["leads.read"])),
    params(("id" = LeadId, Path)),
    responses((status = 200, body = CardsOut), (status = 404, body = Problem))
)]
#[get("/leads/{id}/cards")]
pub(super) async fn list(app: Data<App>, caller: Caller, id: Path<LeadId>) -> Result<Json<CardsOut>, Error> {
    let cards = app.cards(&caller, *id).await?;
    Ok(Json(CardsOut { items: cards.into_iter().map(CardOut::from).collect(), next_cursor: None }))
}
