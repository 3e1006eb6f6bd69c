//! The rows of dead letters: kept once, changed only from the state that the change was made for.

use aws_lc_rs::digest::{Context, SHA256};
use scrm_db::{Txn, inbox, sql};
use scrm_kernel::{CorpId, DeadLetterId, KeyRing, MessageId, Page, PageRequest, Sealed, Timestamp};
use scrm_proto::Envelope;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, DerivePartialModel, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::{ActiveModel, Column, Entity};
use super::letter::{DeadLetter, Filter, Outside, State};
use crate::delivery::Unreadable;

/// Where a body is sealed for.
const BODY: &str = "dead_letter.body";

/// The enterprise of what names none: it is shown to every administrator, without its body.
fn nobody() -> CorpId {
    CorpId::from_uuid(sea_orm::prelude::Uuid::nil())
}

/// Returns the letters that an enterprise may see.
fn seen_by(corp: CorpId) -> Condition {
    Condition::all().add(Column::CorpId.is_in([corp, nobody()]))
}

/// Keeps a letter of `queue`, unless its consumer has handled the message after all.
pub(super) async fn keep(
    txn: &Txn,
    keys: &KeyRing,
    queue: &str,
    letter: &Result<Envelope, Unreadable>,
    reason: Option<&str>,
) -> Result<(), DbErr> {
    let row = match letter {
        Ok(envelope) => {
            // Another copy of it was handled: there is nothing left to decide.
            if inbox::has_entered(txn, queue, envelope.message_id).await? {
                return Ok(());
            }
            row_of(keys, envelope)?
        }
        Err(unreadable) => row_of_unreadable(keys, unreadable),
    };
    let problem = letter.as_ref().err().map(|unreadable| unreadable.problem.as_str());
    insert(txn, queue, row, reason.or(problem).unwrap_or("no reason is known")).await
}

/// Keeps, as a dead letter, what came from outside at `place` and cannot be read.
pub async fn keep_outside(txn: &Txn, keys: &KeyRing, place: &str, outside: Outside<'_>) -> Result<(), DbErr> {
    let row = ActiveModel {
        corp_id: Set(outside.corp),
        message_id: Set(outside.id),
        body: Set(keys.seal(outside.corp, BODY, outside.body).into_bytes()),
        received_at: Set(Some(outside.received_at)),
        received_seq: Set(Some(outside.received_seq)),
        ..without_envelope(&outside.head)
    };
    insert(txn, place, row, outside.problem).await
}

/// Notes that somebody has what came from outside, and was kept as a dead letter, tried once more. Without such a letter
/// nothing changes.
pub async fn take_back(txn: &Txn, corp: CorpId, place: &str, id: MessageId, by: &str) -> Result<(), DbErr> {
    let which = Condition::all().add(Column::Queue.eq(place)).add(Column::MessageId.eq(id));
    decide(txn, corp, which, &Decision { state: State::Redriven, by, reason: None }).await.map(drop)
}

async fn insert(txn: &Txn, queue: &str, row: ActiveModel, reason: &str) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(DeadLetterId::mint(txn.now())),
        queue: Set(queue.to_owned()),
        deaths: Set(1),
        reason: Set(storable(reason)),
        died_at: Set(txn.now()),
        state: Set(State::Waiting.as_str().to_owned()),
        version: Set(1),
        resolved_at: Set(None),
        resolved_by: Set(None),
        resolved_reason: Set(None),
        leased_until: Set(None),
        ..row
    };
    Entity::insert(row).on_conflict(died_again()).exec_without_returning(txn).await.map(drop)
}

/// What is known already waits again if it was redriven; otherwise this is a second copy of the same death.
fn died_again() -> OnConflict {
    let after = [State::Redriving.as_str(), State::Redriven.as_str()];
    let one_more = |column| Expr::col((Entity, column)).add(1);
    OnConflict::columns([Column::Queue, Column::MessageId])
        .update_columns([
            Column::Attempts,
            Column::Reason,
            Column::DiedAt,
            Column::State,
            Column::ResolvedAt,
            Column::ResolvedBy,
            Column::ResolvedReason,
            Column::LeasedUntil,
        ])
        .value(Column::Deaths, one_more(Column::Deaths))
        .value(Column::Version, one_more(Column::Version))
        .action_and_where(Expr::col((Entity, Column::State)).is_in(after))
        .to_owned()
}

fn row_of(keys: &KeyRing, envelope: &Envelope) -> Result<ActiveModel, DbErr> {
    let head = serde_json::to_string(envelope).map_err(|error| DbErr::Custom(error.to_string()))?;
    Ok(ActiveModel {
        seq: NotSet,
        corp_id: Set(envelope.corp),
        message_id: Set(envelope.message_id),
        head: Set(head),
        body: Set(keys.seal(envelope.corp, BODY, &envelope.body).into_bytes()),
        is_readable: Set(true),
        kind: Set(storable(&envelope.kind)),
        key: Set(storable(&envelope.key)),
        occurred_at: Set(Some(envelope.occurred_at)),
        received_at: Set(envelope.received_at),
        received_seq: Set(envelope.received_seq),
        attempts: Set(i32::try_from(envelope.attempt).unwrap_or(i32::MAX)),
        ..ActiveModel::default()
    })
}

fn row_of_unreadable(keys: &KeyRing, letter: &Unreadable) -> ActiveModel {
    let mut hash = Context::new(&SHA256);
    hash.update(letter.head.as_bytes());
    hash.update(&letter.body);
    ActiveModel {
        corp_id: Set(nobody()),
        message_id: Set(MessageId::of_hash(hash.finish().as_ref())),
        body: Set(keys.seal(nobody(), BODY, &letter.body).into_bytes()),
        ..without_envelope(&letter.head)
    }
}

fn without_envelope(head: &str) -> ActiveModel {
    ActiveModel {
        seq: NotSet,
        head: Set(storable(head)),
        is_readable: Set(false),
        kind: Set(String::new()),
        key: Set(String::new()),
        occurred_at: Set(None),
        received_at: Set(None),
        received_seq: Set(None),
        attempts: Set(0),
        ..ActiveModel::default()
    }
}

/// PostgreSQL keeps no zero characters.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A row without its body.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "Entity")]
struct Listed {
    seq: i64,
    id: DeadLetterId,
    queue: String,
    message_id: MessageId,
    head: String,
    is_readable: bool,
    kind: String,
    key: String,
    occurred_at: Option<Timestamp>,
    received_at: Option<Timestamp>,
    received_seq: Option<i64>,
    attempts: i32,
    deaths: i32,
    reason: String,
    died_at: Timestamp,
    state: String,
    version: i64,
    resolved_at: Option<Timestamp>,
    resolved_by: Option<String>,
    resolved_reason: Option<String>,
}

impl TryFrom<Listed> for DeadLetter {
    type Error = DbErr;

    fn try_from(row: Listed) -> Result<Self, DbErr> {
        let state = State::parse(&row.state);
        Ok(Self {
            state: state.ok_or_else(|| DbErr::Custom(format!("dead_letter {}: no such state", row.seq)))?,
            seq: row.seq,
            id: row.id,
            queue: row.queue,
            message_id: row.message_id,
            head: row.head,
            is_readable: row.is_readable,
            kind: row.kind,
            key: row.key,
            occurred_at: row.occurred_at,
            received_at: row.received_at,
            received_seq: row.received_seq,
            attempts: row.attempts,
            deaths: row.deaths,
            reason: row.reason,
            died_at: row.died_at,
            version: row.version,
            resolved_at: row.resolved_at,
            resolved_by: row.resolved_by,
            resolved_reason: row.resolved_reason,
        })
    }
}

/// Lists letters, newest first; `before` is the last one of the page before.
pub(super) async fn list(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    filter: &Filter,
    page: &PageRequest,
    before: Option<i64>,
) -> Result<Page<DeadLetter>, DbErr> {
    let rows = Entity::find()
        .filter(seen_by(corp))
        .filter(Condition::all().add_option(filter.state.map(|state| Column::State.eq(state.as_str()))))
        .filter(Condition::all().add_option(filter.queue.as_deref().map(|queue| Column::Queue.eq(queue))))
        .filter(Condition::all().add_option(before.map(|before| Column::Seq.lt(before))))
        .order_by_desc(Column::Seq)
        .limit(page.limit + 1)
        .into_partial_model::<Listed>()
        .all(connection)
        .await?;
    let letters = rows.into_iter().map(DeadLetter::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(letters, page.limit, |letter| letter.seq))
}

/// Reads one letter.
pub(super) async fn find(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    id: DeadLetterId,
) -> Result<Option<DeadLetter>, DbErr> {
    let found = Entity::find().filter(seen_by(corp)).filter(Column::Id.eq(id));
    found.into_partial_model::<Listed>().one(connection).await?.map(DeadLetter::try_from).transpose()
}

/// Opens the body of a letter of this very enterprise.
pub(super) async fn body(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    keys: &KeyRing,
    id: DeadLetterId,
) -> Result<Option<Vec<u8>>, DbErr> {
    let found =
        Entity::find().filter(Column::CorpId.eq(corp)).filter(Column::Id.eq(id)).one(connection).await?;
    found.map(|row| opened(keys, row.corp_id, row.body)).transpose()
}

pub(super) fn opened(keys: &KeyRing, corp: CorpId, body: Vec<u8>) -> Result<Vec<u8>, DbErr> {
    keys.open(corp, BODY, &Sealed::from_bytes(body)).map_err(|error| DbErr::Custom(error.to_string()))
}

/// What a person decided.
pub(super) struct Decision<'a> {
    pub(super) state: State,
    pub(super) by: &'a str,
    pub(super) reason: Option<&'a str>,
}

/// Notes a decision about letters that wait, and returns how many those are. What has no envelope cannot be redriven.
pub(super) async fn decide(
    txn: &Txn,
    corp: CorpId,
    which: Condition,
    decision: &Decision<'_>,
) -> Result<u64, DbErr> {
    let must_be_readable = (decision.state == State::Redriving).then(|| Column::IsReadable.eq(true));
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(decision.state.as_str()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::ResolvedAt, Expr::value(txn.now()))
        .col_expr(Column::ResolvedBy, Expr::value(storable(decision.by)))
        .col_expr(Column::ResolvedReason, Expr::value(decision.reason.map(storable)))
        .filter(seen_by(corp))
        .filter(which)
        .filter(Column::State.eq(State::Waiting.as_str()))
        .filter(Condition::all().add_option(must_be_readable))
        .exec(txn)
        .await?;
    Ok(changed.rows_affected)
}

/// Returns the letter with this id.
pub(super) fn with_id(id: DeadLetterId) -> Condition {
    Condition::all().add(Column::Id.eq(id))
}

/// Returns the letters with these ids.
pub(super) fn with_ids(ids: &[DeadLetterId]) -> Condition {
    Condition::all().add(Column::Id.is_in(ids.iter().copied()))
}

/// Returns the oldest letters of a queue that wait and may be redriven, at most `most`.
pub(super) async fn oldest_of(txn: &Txn, corp: CorpId, queue: &str, most: u64) -> Result<Condition, DbErr> {
    let seqs: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::Seq)
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Queue.eq(queue))
        .filter(sql::has(Column::State, State::Waiting.as_str()))
        .filter(Column::IsReadable.eq(true))
        .order_by_asc(Column::Seq)
        .limit(most)
        .into_tuple()
        .all(txn)
        .await?;
    Ok(Condition::all().add(sql::one_of(txn, Column::Seq, &seqs)))
}
