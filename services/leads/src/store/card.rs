//! Cards about leads.

use scrm_db::Txn;
use scrm_db::sql::{self, Known};
use scrm_kernel::{CorpId, ExternalUserId, KeyRing, LeadId, Sealed, Timestamp, WecomUserId};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::entity::card::{Column, Entity, Model};
use crate::domain::card::{Answered, Button, Card, Code, NEW_LEAD, TaskId};
use crate::domain::card_words::Words;
use crate::domain::sending::{Progress, State};

const WORDS: &str = "card.words";
const CODE: &str = "card.response_code";

/// What a card says, as it is kept.
#[derive(Serialize, Deserialize)]
struct WordsKept {
    title: String,
    reason: String,
    lines: Vec<(String, String)>,
}

/// Adds a card; `false` when there is one of its name.
pub(crate) async fn add(txn: &Txn, keys: &KeyRing, card: &Card) -> Result<bool, DbErr> {
    let inserted = Entity::insert(row_of(keys, card)?.into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(inserted > 0)
}

/// Adds cards that are not there.
pub(crate) async fn add_all(txn: &Txn, keys: &KeyRing, cards: &[Card]) -> Result<(), DbErr> {
    let rows = cards.iter().map(|card| Ok(row_of(keys, card)?.into_active_model()));
    sql::insert_all(txn, rows.collect::<Result<_, DbErr>>()?, Known::Refuse).await.map(drop)
}

/// Returns those cards that are there, locked until the transaction ends.
pub(crate) async fn lock_all(
    txn: &Txn,
    keys: &KeyRing,
    corp: CorpId,
    tasks: impl IntoIterator<Item = &TaskId>,
) -> Result<Vec<Card>, DbErr> {
    let tasks = sql::padded(tasks.into_iter().map(TaskId::as_str));
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::TaskId.is_in(tasks))
        .order_by_asc(Column::TaskId)
        .lock_exclusive()
        .all(txn)
        .await?;
    rows.into_iter().map(|row| card_of(keys, row)).collect()
}

/// Returns a card, locked until the transaction ends.
pub(crate) async fn lock(
    txn: &Txn,
    keys: &KeyRing,
    corp: CorpId,
    task: &TaskId,
) -> Result<Option<Card>, DbErr> {
    let key = (corp, task.as_str().to_owned());
    let row = Entity::find_by_id(key).lock_exclusive().one(txn).await?;
    row.map(|row| card_of(keys, row)).transpose()
}

/// Returns the cards about a lead that are not out of date, locked until the transaction ends.
pub(crate) async fn lock_current(
    txn: &Txn,
    keys: &KeyRing,
    corp: CorpId,
    lead: LeadId,
) -> Result<Vec<Card>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::LeadId.eq(lead))
        .filter(Column::SupersededAt.is_null())
        .order_by_asc(Column::TaskId)
        .lock_exclusive()
        .all(txn)
        .await?;
    rows.into_iter().map(|row| card_of(keys, row)).collect()
}

/// Returns the cards about a lead, in the order of its assignments.
pub(crate) async fn about(
    connection: &impl ConnectionTrait,
    keys: &KeyRing,
    corp: CorpId,
    lead: LeadId,
) -> Result<Vec<Card>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::LeadId.eq(lead))
        .order_by_asc(Column::AssignedAt)
        .order_by_asc(Column::MadeAt)
        .all(connection)
        .await?;
    rows.into_iter().map(|row| card_of(keys, row)).collect()
}

/// Returns the customers whose leads are told together and still belong to the member, in the order of assignment.
pub(crate) async fn gathered(
    txn: &Txn,
    corp: CorpId,
    user: &WecomUserId,
    minute: Timestamp,
) -> Result<Vec<Option<ExternalUserId>>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::UserKey.eq(user.folded()))
        .filter(Column::GatheredIn.eq(minute))
        .filter(Column::SupersededAt.is_null())
        .order_by_asc(Column::AssignedAt)
        .order_by_asc(Column::LeadId)
        .all(txn)
        .await?;
    rows.iter().map(person_of).collect()
}

fn person_of(row: &Model) -> Result<Option<ExternalUserId>, DbErr> {
    let person = row.external_user_id.as_deref().map(ExternalUserId::parse).transpose();
    person.map_err(|_| bad("external_user_id"))
}

/// Writes a locked card.
pub(crate) async fn save(txn: &Txn, keys: &KeyRing, card: &Card) -> Result<(), DbErr> {
    let row = row_of(keys, card)?.into_active_model().reset_all();
    Entity::update(row).exec_without_returning(txn).await?;
    Ok(())
}

/// Writes locked cards.
pub(crate) async fn save_all(txn: &Txn, keys: &KeyRing, cards: &[Card]) -> Result<(), DbErr> {
    let rows = cards.iter().map(|card| Ok(row_of(keys, card)?.into_active_model()));
    sql::insert_all(txn, rows.collect::<Result<_, DbErr>>()?, Known::Replace).await.map(drop)
}

/// Writes what became of the call that `claimed` began; `false` when the card was answered or taken up again since.
pub(crate) async fn save_claimed(
    txn: &Txn,
    keys: &KeyRing,
    claimed: Progress,
    card: &Card,
) -> Result<bool, DbErr> {
    let (code, until) = sealed_code(keys, card).unzip();
    let saved = Entity::update_many()
        .col_expr(Column::State, Expr::value(card.progress.state.as_str()))
        .col_expr(Column::IsUnclear, Expr::value(card.progress.is_unclear))
        .col_expr(Column::LeaseUntil, Expr::value(card.progress.lease_until))
        .col_expr(Column::SettledAt, Expr::value(card.settled_at))
        .col_expr(Column::Problem, Expr::value(card.problem.clone()))
        .col_expr(Column::MessageId, Expr::value(card.message_id.clone()))
        .col_expr(Column::ResponseCode, Expr::value(code))
        .col_expr(Column::ResponseUntil, Expr::value(until))
        .filter(Column::CorpId.eq(card.corp))
        .filter(Column::TaskId.eq(card.task.as_str()))
        .filter(Column::State.eq(claimed.state.as_str()))
        .filter(Column::Attempts.eq(claimed.attempts))
        .filter(Column::LeaseUntil.eq(claimed.lease_until))
        .filter(Column::AnsweredAt.is_null())
        .exec(txn)
        .await?;
    Ok(saved.rows_affected > 0)
}

fn sealed_code(keys: &KeyRing, card: &Card) -> Option<(Vec<u8>, Timestamp)> {
    let code = card.code.as_ref()?;
    Some((keys.seal(card.corp, CODE, code.text.as_bytes()).into_bytes(), code.until))
}

fn row_of(keys: &KeyRing, card: &Card) -> Result<Model, DbErr> {
    let (response_code, response_until) = sealed_code(keys, card).unzip();
    let words = card.words.as_ref().map(|words| {
        let Words { title, reason, lines } = words.clone();
        serde_json::to_vec(&WordsKept { title, reason, lines })
    });
    let words = words.transpose().map_err(|_| bad("words"))?;
    Ok(Model {
        corp_id: card.corp,
        task_id: card.task.as_str().to_owned(),
        kind: NEW_LEAD.to_owned(),
        lead_id: card.lead,
        external_user_id: card.person.as_ref().map(|person| person.as_str().to_owned()),
        user_id: card.user.as_str().to_owned(),
        user_key: card.user.folded(),
        assigned_at: card.assigned_at,
        made_at: card.made_at,
        state: card.progress.state.as_str().to_owned(),
        attempts: card.progress.attempts,
        is_unclear: card.progress.is_unclear,
        lease_until: card.progress.lease_until,
        settled_at: card.settled_at,
        problem: card.problem.clone(),
        words: words.map(|words| keys.seal(card.corp, WORDS, &words).into_bytes()),
        gathered_in: card.gathered_in,
        message_id: card.message_id.clone(),
        response_code,
        response_until,
        app: card.app.clone(),
        answer: card.answered.as_ref().map(|answered| answered.button.key().to_owned()),
        answered_by: card.answered.as_ref().map(|answered| answered.by.as_str().to_owned()),
        answered_at: card.answered.as_ref().map(|answered| answered.at),
        superseded_at: card.superseded_at,
        change_state: card.change.map(|change| change.state.as_str().to_owned()),
        change_attempts: card.change.map_or(0, |change| change.attempts),
        change_is_unclear: card.change.is_some_and(|change| change.is_unclear),
        change_lease_until: card.change.and_then(|change| change.lease_until),
    })
}

fn card_of(keys: &KeyRing, row: Model) -> Result<Card, DbErr> {
    let opened = |place: &'static str, sealed: Vec<u8>| {
        keys.open(row.corp_id, place, &Sealed::from_bytes(sealed)).map_err(|_| bad(place))
    };
    let person = person_of(&row)?;
    let words = row.words.map(|sealed| {
        let kept = serde_json::from_slice(&opened(WORDS, sealed)?).map_err(|_| bad("words"))?;
        let WordsKept { title, reason, lines } = kept;
        Ok::<_, DbErr>(Words { title, reason, lines })
    });
    let code = row.response_code.zip(row.response_until).map(|(sealed, until)| {
        let text = String::from_utf8(opened(CODE, sealed)?).map_err(|_| bad("response_code"))?;
        Ok::<_, DbErr>(Code { text, until })
    });
    let answered = match (row.answer, row.answered_by, row.answered_at) {
        (Some(key), Some(by), Some(at)) => Some(Answered {
            button: Button::parse(&key).ok_or_else(|| bad("answer"))?,
            by: WecomUserId::parse(&by).map_err(|_| bad("answered_by"))?,
            at,
        }),
        _ => None,
    };
    let change = row.change_state.map(|state| {
        Ok::<_, DbErr>(Progress {
            state: State::parse(&state).ok_or_else(|| bad("change_state"))?,
            attempts: row.change_attempts,
            is_unclear: row.change_is_unclear,
            lease_until: row.change_lease_until,
        })
    });
    Ok(Card {
        corp: row.corp_id,
        task: TaskId::from_text(&row.task_id),
        lead: row.lead_id,
        person,
        user: WecomUserId::parse(&row.user_id).map_err(|_| bad("user_id"))?,
        assigned_at: row.assigned_at,
        made_at: row.made_at,
        progress: Progress {
            state: State::parse(&row.state).ok_or_else(|| bad("state"))?,
            attempts: row.attempts,
            is_unclear: row.is_unclear,
            lease_until: row.lease_until,
        },
        settled_at: row.settled_at,
        problem: row.problem,
        words: words.transpose()?,
        gathered_in: row.gathered_in,
        message_id: row.message_id,
        code: code.transpose()?,
        app: row.app,
        answered,
        superseded_at: row.superseded_at,
        change: change.transpose()?,
    })
}

fn bad(column: &str) -> DbErr {
    DbErr::Custom(format!("card: column {column} holds no valid value"))
}
