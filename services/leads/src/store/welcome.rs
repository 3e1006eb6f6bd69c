//! Welcome messages of relations.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use scrm_db::Txn;
use scrm_db::sql;
use scrm_kernel::{CorpId, ExternalUserId, KeyRing, Sealed, Timestamp, WecomUserId};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::entity::welcome::{ActiveModel, Column, Entity, Model};
use crate::domain::welcome::{Progress, State};

const CODE: &str = "welcome.code";

/// Whose welcome message it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) corp: CorpId,
    pub(crate) member: WecomUserId,
    pub(crate) person: ExternalUserId,
    /// Of the relation.
    pub(crate) number: i32,
}

/// A code that lets a message be sent, and whose callback brought it.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) app: String,
    pub(crate) text: SecretString,
    pub(crate) ends_at: Timestamp,
}

/// Adds messages of relations that have none, each of which has come so far.
pub(crate) async fn add_all(
    txn: &Txn,
    keys: &KeyRing,
    messages: &[(Key, Code, Progress)],
) -> Result<(), DbErr> {
    let rows = messages.iter().map(|(key, code, progress)| row_of(txn, keys, key, code, *progress));
    sql::insert_all(txn, rows.collect(), sql::Known::Refuse).await.map(drop)
}

/// Adds a message that has come so far; `false` when there is one already.
pub(crate) async fn add(
    txn: &Txn,
    keys: &KeyRing,
    key: &Key,
    code: &Code,
    progress: Progress,
) -> Result<bool, DbErr> {
    let inserted = Entity::insert(row_of(txn, keys, key, code, progress))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(inserted > 0)
}

fn row_of(txn: &Txn, keys: &KeyRing, key: &Key, code: &Code, progress: Progress) -> ActiveModel {
    ActiveModel {
        corp_id: Set(key.corp),
        external_user_id: Set(key.person.as_str().to_owned()),
        user_key: Set(key.member.folded()),
        number: Set(key.number),
        state: Set(progress.state.as_str().to_owned()),
        attempts: Set(progress.attempts),
        is_unclear: Set(progress.is_unclear),
        lease_until: Set(progress.lease_until),
        app: Set(code.app.clone()),
        code: Set(sealed(keys, key.corp, code)),
        code_hash: Set(hash_of(code)),
        expires_at: Set(progress.expires_at),
        settled_at: Set(progress.state.is_final().then(|| txn.now())),
        problem: Set(None),
    }
}

/// Returns a message that is there, locked until the transaction ends, with its code, and whether that is `code`.
pub(crate) async fn lock(
    txn: &Txn,
    keys: &KeyRing,
    key: &Key,
    code: &Code,
) -> Result<(Progress, Code, bool), DbErr> {
    let row = Entity::find_by_id(primary(key)).lock_exclusive().one(txn).await?;
    let row =
        row.ok_or_else(|| DbErr::RecordNotFound("a welcome message that was there just now".to_owned()))?;
    let unreadable = |_| DbErr::Custom("welcome: column code holds no valid value".to_owned());
    let plain = keys.open(key.corp, CODE, &Sealed::from_bytes(row.code.clone())).map_err(unreadable)?;
    let kept = Code {
        app: row.app.clone(),
        text: String::from_utf8_lossy(&plain).into_owned().into(),
        ends_at: row.expires_at,
    };
    let is_same = row.code_hash == hash_of(code);
    Ok((progress_of(&row)?, kept, is_same))
}

/// Returns how far a message has come, locked until the transaction ends.
pub(crate) async fn lock_again(txn: &Txn, key: &Key) -> Result<Option<Progress>, DbErr> {
    let row = Entity::find_by_id(primary(key)).lock_exclusive().one(txn).await?;
    row.as_ref().map(progress_of).transpose()
}

/// Writes how far a locked message has come; with a code that replaces the kept one.
pub(crate) async fn save(
    txn: &Txn,
    keys: &KeyRing,
    key: &Key,
    progress: Progress,
    code: Option<&Code>,
    problem: Option<String>,
) -> Result<(), DbErr> {
    let mut row = ActiveModel {
        corp_id: Unchanged(key.corp),
        external_user_id: Unchanged(key.person.as_str().to_owned()),
        user_key: Unchanged(key.member.folded()),
        number: Unchanged(key.number),
        state: Set(progress.state.as_str().to_owned()),
        attempts: Set(progress.attempts),
        is_unclear: Set(progress.is_unclear),
        lease_until: Set(progress.lease_until),
        expires_at: Set(progress.expires_at),
        settled_at: Set(progress.state.is_final().then(|| txn.now())),
        problem: Set(problem),
        ..<ActiveModel as Default>::default()
    };
    if let Some(code) = code {
        row.app = Set(code.app.clone());
        row.code = Set(sealed(keys, key.corp, code));
        row.code_hash = Set(hash_of(code));
    }
    Entity::update(row).exec_without_returning(txn).await?;
    Ok(())
}

/// Writes what became of the call that `claimed` began; `false` when somebody else has taken it up since.
pub(crate) async fn save_claimed(
    txn: &Txn,
    key: &Key,
    claimed: Progress,
    after: Progress,
    problem: Option<&str>,
) -> Result<bool, DbErr> {
    let saved = Entity::update_many()
        .col_expr(Column::State, Expr::value(after.state.as_str()))
        .col_expr(Column::IsUnclear, Expr::value(after.is_unclear))
        .col_expr(Column::LeaseUntil, Expr::value(after.lease_until))
        .col_expr(Column::SettledAt, Expr::value(after.state.is_final().then(|| txn.now())))
        .col_expr(Column::Problem, Expr::value(problem))
        .filter(Column::CorpId.eq(key.corp))
        .filter(Column::ExternalUserId.eq(key.person.as_str()))
        .filter(Column::UserKey.eq(key.member.folded()))
        .filter(Column::Number.eq(key.number))
        .filter(Column::State.eq(claimed.state.as_str()))
        .filter(Column::Attempts.eq(claimed.attempts))
        .filter(Column::LeaseUntil.eq(claimed.lease_until))
        .exec(txn)
        .await?;
    Ok(saved.rows_affected > 0)
}

/// Writes what became of calls, each of another message: its key, what began the call, how far it has come, and what went
/// wrong. Says of each whether nobody else has taken the message up since; otherwise nothing of it is written.
pub(crate) async fn save_each_claimed(
    txn: &Txn,
    calls: Vec<(&Key, Progress, Progress, Option<String>)>,
) -> Result<Vec<bool>, DbErr> {
    let Some(corp) = calls.first().map(|(key, ..)| key.corp) else { return Ok(Vec::new()) };
    let people = sql::padded(calls.iter().map(|(key, ..)| key.person.as_str()));
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ExternalUserId.is_in(people))
        .order_by_asc(Column::ExternalUserId)
        .lock_exclusive()
        .all(txn)
        .await?;
    let place = |row: &Model| (row.corp_id, row.external_user_id.clone(), row.user_key.clone(), row.number);
    let mut rows: HashMap<_, Model> = rows.into_iter().map(|row| (place(&row), row)).collect();
    let (mut saved, mut are_saved) = (Vec::new(), Vec::new());
    for (key, claimed, after, problem) in calls {
        let row = rows.remove(&primary(key));
        let is_theirs = row.as_ref().map(progress_of).transpose()? == Some(claimed);
        if let Some(row) = row.filter(|_| is_theirs) {
            let row = Model {
                state: after.state.as_str().to_owned(),
                is_unclear: after.is_unclear,
                lease_until: after.lease_until,
                settled_at: after.state.is_final().then(|| txn.now()),
                problem,
                ..row
            };
            saved.push(row.into_active_model().reset_all());
        }
        are_saved.push(is_theirs);
    }
    sql::insert_all(txn, saved, sql::Known::Replace).await?;
    Ok(are_saved)
}

/// A message, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) person: String,
    /// The member, case-folded.
    pub(crate) user_key: String,
    pub(crate) state: State,
    /// When its state became final.
    pub(crate) at: Option<Timestamp>,
    /// What went wrong.
    pub(crate) problem: Option<String>,
}

/// Returns the messages to some customers, of every member; the newest comes last.
pub(crate) async fn to_people(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    people: impl IntoIterator<Item = &ExternalUserId>,
) -> Result<Vec<Known>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ExternalUserId.is_in(people.into_iter().map(ExternalUserId::as_str)))
        .order_by_asc(Column::ExpiresAt)
        .order_by_asc(Column::Number)
        .all(connection)
        .await?;
    let known = |row: Model| {
        Ok(Known {
            state: state_of(&row)?,
            person: row.external_user_id,
            user_key: row.user_key,
            at: row.settled_at,
            problem: row.problem,
        })
    };
    rows.into_iter().map(known).collect()
}

fn primary(key: &Key) -> (CorpId, String, String, i32) {
    (key.corp, key.person.as_str().to_owned(), key.member.folded(), key.number)
}

fn sealed(keys: &KeyRing, corp: CorpId, code: &Code) -> Vec<u8> {
    keys.seal(corp, CODE, code.text.expose_secret().as_bytes()).into_bytes()
}

fn hash_of(code: &Code) -> Vec<u8> {
    digest(&SHA256, code.text.expose_secret().as_bytes()).as_ref().to_vec()
}

fn progress_of(row: &Model) -> Result<Progress, DbErr> {
    Ok(Progress {
        state: state_of(row)?,
        attempts: row.attempts,
        is_unclear: row.is_unclear,
        lease_until: row.lease_until,
        expires_at: row.expires_at,
    })
}

fn state_of(row: &Model) -> Result<State, DbErr> {
    State::parse(&row.state)
        .ok_or_else(|| DbErr::Custom("welcome: column state holds no valid value".to_owned()))
}
