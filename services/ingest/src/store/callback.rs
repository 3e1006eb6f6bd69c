//! Callbacks: stored at the door, taken in order by the relay.

mod door;
mod list;
mod unkeyed;

use std::ops::Range;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use scrm_db::{Db, Txn, sql};
use scrm_kernel::{CorpId, KeyRing, MessageId, Sealed, Timestamp};
use scrm_mq::keeper::{self, Outside};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};

pub(crate) use self::door::{Door, NewCallback, give_door_keys};
pub(crate) use self::list::{find, list};
pub(crate) use self::unkeyed::{Unkeyed, give_keys};
use super::entity::callback::{Column, Entity, Model};
use crate::domain::callback::{DoorKey, State, door_key, whole};
use crate::domain::connection::AppName;

/// The table, for those who wait for callbacks.
pub(crate) const TABLE: &str = "callback";
const BODY: &str = "callback.body";
/// Where dead letters are of which a callback cannot be read.
const LETTERS: &str = "ingest.callback";

/// The problem of a callback to a suite whose enterprise is not known.
pub(crate) const NO_PLACE: &str = "AuthCorpId names an enterprise that has not authorised the suite";
/// How long after such a callback its enterprise may still turn up by itself.
const PLACE_WINDOW: Duration = Duration::from_hours(1);
/// Seals the body of a callback.
pub(crate) fn seal(keys: &KeyRing, corp: CorpId, body: &[u8]) -> Sealed {
    keys.seal(corp, BODY, body)
}

/// A callback taken by the relay.
pub(crate) struct Taken {
    pub(crate) seq: i64,
    pub(crate) corp: CorpId,
    pub(crate) app: String,
    pub(crate) hash: Vec<u8>,
    /// Its key, if that is not in the index yet.
    pub(crate) unkeyed: Option<DoorKey>,
    pub(crate) signed_at: Timestamp,
    pub(crate) received_at: Timestamp,
    /// Trace context of the request that brought it.
    pub(crate) traceparent: Option<String>,
    /// The message under which it is published once more, if an administrator had it replayed.
    pub(crate) replay_id: Option<MessageId>,
    /// The decrypted body, or why it does not unseal.
    pub(crate) body: Result<Vec<u8>, String>,
}

/// Takes up to `most` callbacks that wait to be processed, oldest first, `except` some.
pub(crate) async fn take(db: &Db, keys: &KeyRing, most: u64, except: &[i64]) -> Result<Vec<Taken>, DbErr> {
    let waiting = Condition::all()
        .add(Column::ProcessedAt.is_null())
        .add(Column::Problem.is_null())
        .add(Column::State.eq(State::Stored.as_str()));
    let rows = sql::take::<Entity>(db, waiting, Column::Seq, Column::LeasedUntil, most, except).await?;
    let taken = |row: Model| {
        let body = keys.open(row.corp_id, BODY, &Sealed::from_bytes(row.body));
        Taken {
            seq: row.seq,
            corp: row.corp_id,
            unkeyed: row.door_key.is_none().then(|| door_key(row.corp_id, &row.app, &whole(&row.hash))),
            app: row.app,
            hash: row.hash,
            signed_at: row.signed_at,
            received_at: row.received_at,
            traceparent: row.traceparent,
            replay_id: row.replay_id,
            body: body.map_err(|error| error.to_string()),
        }
    };
    Ok(rows.into_iter().map(taken).collect())
}

/// Ends the lease of callbacks that the broker did not take, so that they need not wait for its end.
pub(crate) async fn release(txn: &Txn, seqs: &[i64]) -> Result<(), DbErr> {
    sql::release::<Entity>(txn, Column::Seq, Column::LeasedUntil, seqs).await
}

/// Notes that callbacks of one kind are processed.
pub(crate) async fn processed(txn: &Txn, kind: &str, seqs: &[i64]) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Kind, Expr::value(kind))
        .col_expr(Column::ProcessedAt, Expr::value(txn.now()))
        .filter(sql::one_of(txn, Column::Seq, seqs))
        .exec(txn)
        .await?;
    Ok(())
}

/// Notes that a callback can never be processed; it stays where it is.
pub(crate) async fn refused(txn: &Txn, seq: i64, problem: &str) -> Result<(), DbErr> {
    sql::refused::<Entity>(txn, Column::Seq, Column::Problem, seq, problem).await
}

/// Names the dead letter of a callback: two apps may be sent the same.
fn letter_of(corp: CorpId, app: &str, hash: &[u8]) -> MessageId {
    let mut name = Context::new(&SHA256);
    name.update(corp.as_uuid().as_bytes());
    name.update(hash);
    name.update(app.as_bytes());
    MessageId::of_hash(name.finish().as_ref())
}

/// Shows a callback that can never be processed among the dead letters.
pub(crate) async fn bury(txn: &Txn, keys: &KeyRing, seq: i64, problem: &str) -> Result<(), DbErr> {
    let Some(row) = Entity::find_by_id(seq).one(txn).await? else { return Ok(()) };
    let body = keys.open(row.corp_id, BODY, &Sealed::from_bytes(row.body)).unwrap_or_default();
    let outside = Outside {
        corp: row.corp_id,
        id: letter_of(row.corp_id, &row.app, &row.hash),
        head: format!("callback {seq} of the app {}", row.app),
        body: &body,
        problem,
        received_at: row.received_at,
        received_seq: seq,
    };
    keeper::keep_outside(txn, keys, LETTERS, outside).await
}

/// Has a callback published once more, as the message `replay_id`; `false` if it waits already, or its body is gone.
///
/// `by` is who wants it.
pub(crate) async fn replay(
    txn: &Txn,
    corp: CorpId,
    seq: i64,
    replay_id: MessageId,
    by: &str,
) -> Result<bool, DbErr> {
    let settled = Column::ProcessedAt.is_not_null().or(Column::Problem.is_not_null());
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Stored.as_str()))
        .col_expr(Column::ProcessedAt, Expr::value(None::<Timestamp>))
        .col_expr(Column::Problem, Expr::value(None::<String>))
        .col_expr(Column::LeasedUntil, Expr::value(None::<Timestamp>))
        .col_expr(Column::ReplayId, Expr::value(replay_id))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Seq.eq(seq))
        .filter(Column::Body.ne(Vec::<u8>::new()))
        .filter(settled.or(Column::State.eq(State::Late.as_str())))
        .exec(txn)
        .await?;
    txn.will_wake(TABLE);
    if changed.rows_affected == 0 {
        return Ok(false);
    }
    let told = Entity::find_by_id(seq).filter(Column::CorpId.eq(corp));
    let told = told.select_only().columns([Column::App, Column::Hash]);
    if let Some((app, hash)) = told.into_tuple::<(String, Vec<u8>)>().one(txn).await? {
        keeper::take_back(txn, corp, LETTERS, letter_of(corp, &app, &hash), by).await?;
    }
    Ok(true)
}

/// Lets callbacks to a suite be read again that came before the authorisation of their enterprise was known.
pub(crate) async fn find_place_again(txn: &Txn, provider: CorpId, suite: &AppName) -> Result<(), DbErr> {
    let lost: Vec<(i64, Vec<u8>)> = Entity::find()
        .select_only()
        .columns([Column::Seq, Column::Hash])
        .filter(Column::ReceivedAt.gte(txn.now() - PLACE_WINDOW))
        .filter(Column::CorpId.eq(provider))
        .filter(Column::App.eq(suite.as_str()))
        .filter(Column::Problem.eq(NO_PLACE))
        .into_tuple()
        .all(txn)
        .await?;
    let seqs: Vec<i64> = lost.iter().map(|(seq, _)| *seq).collect();
    Entity::update_many()
        .col_expr(Column::Problem, Expr::value(None::<String>))
        .col_expr(Column::LeasedUntil, Expr::value(None::<Timestamp>))
        .filter(sql::one_of(txn, Column::Seq, &seqs))
        .exec(txn)
        .await?;
    for (_, hash) in &lost {
        let letter = letter_of(provider, suite.as_str(), hash);
        keeper::take_back(txn, provider, LETTERS, letter, "the authorisation of its enterprise").await?;
    }
    txn.will_wake(TABLE);
    Ok(())
}

/// Marks the callbacks that were processed in `window` as waiting, and returns how many those are.
pub(crate) async fn resend(db: &Db, corp: CorpId, window: &Range<Timestamp>) -> Result<u64, DbErr> {
    let columns = sql::Sent::<Entity> {
        table: TABLE,
        key: Column::Seq,
        corp: Column::CorpId,
        at: Column::ProcessedAt,
        leased_until: Column::LeasedUntil,
    };
    sql::unsend(db, columns, corp, window, Condition::all().add(Column::Body.ne(Vec::<u8>::new()))).await
}

/// Deletes the bodies of callbacks received before `bodies`, and all of those received before `rows`.
///
/// What still waits to be processed keeps its body, however old it is.
pub(crate) async fn forget(
    connection: &impl ConnectionTrait,
    bodies: Timestamp,
    rows: Timestamp,
) -> Result<(), DbErr> {
    let settled = Column::ProcessedAt.is_not_null().or(Column::Problem.is_not_null());
    Entity::update_many()
        .col_expr(Column::Body, Expr::value(Vec::<u8>::new()))
        .filter(Column::ReceivedAt.lt(bodies))
        .filter(Column::Body.ne(Vec::<u8>::new()))
        .filter(settled.or(Column::State.eq(State::Late.as_str())))
        .exec(connection)
        .await?;
    Entity::delete_many()
        .filter(Column::ReceivedAt.lt(rows))
        .filter(Column::Body.eq(Vec::<u8>::new()))
        .exec(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
