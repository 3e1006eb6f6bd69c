//! Looks: at most one waits for each subject, however many hints there are.

use std::collections::BTreeMap;
use std::time::Duration;

use scrm_db::{Db, Txn, sql};
use scrm_kernel::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{
    Alias, CaseStatement, Expr, ExprTrait as _, LockBehavior, LockType, OnConflict, SimpleExpr,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, UpdateMany,
};

use super::entity::look::{ActiveModel, Column, Entity, Model};
use super::inconsistent;
use crate::domain::look::{Subject, Taken, Wanted};

/// The table, for those who wait for something to read.
pub(crate) const TABLE: &str = "look";
/// How long a process that took a look may leave it unsettled before another one takes it.
const LEASE: Duration = Duration::from_mins(3);

/// It is to be read.
const WAITING: &str = "waiting";
/// It is being read.
const READING: &str = "reading";
/// It is being read, and something has happened since that began.
const AGAIN: &str = "again";
/// It was read after the last hint.
const DONE: &str = "done";
/// WeCom will not tell; the row says why.
const REFUSED: &str = "refused";

/// Wants subjects to be read. What waits already goes on waiting; what is being read will be read again.
pub(crate) async fn want(txn: &Txn, wanted: &[Wanted]) -> Result<(), DbErr> {
    // Each subject once, and always in the same order: rows are locked one after the other.
    let mut by_subject = BTreeMap::new();
    for one in wanted {
        let key = (one.corp, one.subject.kind(), one.subject.key());
        let kept = by_subject.entry(key).or_insert(one);
        if one.urgency <= kept.urgency {
            *kept = one;
        }
    }
    if by_subject.is_empty() {
        return Ok(());
    }
    let now = txn.now();
    let rows = by_subject.into_iter().map(|((corp, kind, key), one)| ActiveModel {
        seq: NotSet,
        corp_id: Set(corp),
        kind: Set(kind.to_owned()),
        subject: Set(key),
        spelled: Set(one.subject.spelled().to_owned()),
        app: Set(one.app.clone()),
        urgency: Set(one.urgency.rank()),
        state: Set(WAITING.to_owned()),
        due_at: Set(Some(now)),
        attempts: Set(0),
        read_at: Set(None),
        problem: Set(None),
    });
    Entity::insert_many(rows).on_conflict(wanted_again()).exec_without_returning(txn).await?;
    txn.will_wake(TABLE);
    Ok(())
}

/// Says what a hint changes about a look that is there.
fn wanted_again() -> OnConflict {
    let is_idle = || Expr::col((Entity, Column::State)).is_in([DONE, REFUSED]);
    let is_read = || Expr::col((Entity, Column::State)).is_in([READING, AGAIN]);
    let hinted = |column: Column| Expr::col((Alias::new("excluded"), column));
    let kept = |column: Column| Expr::col((Entity, column));
    let when_idle =
        |column: Column| CaseStatement::new().case(is_idle(), hinted(column)).finally(kept(column));
    let is_sooner = is_idle().or(hinted(Column::Urgency).lt(kept(Column::Urgency)));
    OnConflict::columns([Column::CorpId, Column::Kind, Column::Subject])
        .update_columns([Column::Spelled, Column::App])
        .value(Column::State, CaseStatement::new().case(is_read(), AGAIN).finally(WAITING))
        .value(Column::DueAt, when_idle(Column::DueAt))
        .value(Column::Attempts, when_idle(Column::Attempts))
        .value(Column::Problem, when_idle(Column::Problem))
        .value(
            Column::Urgency,
            CaseStatement::new().case(is_sooner, hinted(Column::Urgency)).finally(kept(Column::Urgency)),
        )
        .to_owned()
}

/// Takes up to `most` looks that are due, the urgent ones first, for this process alone.
pub(crate) async fn take(db: &Db, most: u64) -> Result<Vec<Taken>, DbErr> {
    let now = db.clock().now();
    let due = Column::DueAt.lte(now);
    if most == 0 || Entity::find().filter(due.clone()).limit(1).one(db.reader()).await?.is_none() {
        return Ok(Vec::new());
    }
    let txn = db.begin().await?;
    let rows = Entity::find()
        .filter(due)
        .order_by_asc(Column::Urgency)
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Seq)
        .limit(most)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(&txn)
        .await?;
    let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    let leased_until = now + LEASE;
    Entity::update_many()
        .col_expr(Column::State, Expr::value(READING))
        .col_expr(Column::DueAt, Expr::value(leased_until))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .filter(sql::one_of(&txn, Column::Seq, &seqs))
        .exec(&txn)
        .await?;
    txn.commit().await?;
    rows.into_iter().map(|row| taken(row, now, leased_until)).collect()
}

fn taken(row: Model, began_at: Timestamp, leased_until: Timestamp) -> Result<Taken, DbErr> {
    let subject = Subject::parse(&row.kind, &row.spelled);
    Ok(Taken {
        subject: subject.ok_or_else(|| inconsistent("look", "kind", row.seq))?,
        seq: row.seq,
        corp: row.corp_id,
        app: row.app,
        attempts: u32::try_from(row.attempts).unwrap_or_default() + 1,
        began_at,
        leased_until,
    })
}

/// Lets everything be taken at once that a process before this one left behind; only where there is one process.
pub(crate) async fn take_back(connection: &impl ConnectionTrait, now: Timestamp) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(WAITING))
        .col_expr(Column::DueAt, Expr::value(now))
        .filter(Column::State.is_in([READING, AGAIN]))
        .exec(connection)
        .await?;
    Ok(())
}

/// Notes that a look is done, or waits again if something has happened since; `false` when the lease was lost.
pub(crate) async fn done(txn: &Txn, look: &Taken) -> Result<bool, DbErr> {
    let update = Entity::update_many()
        .col_expr(Column::State, unless_again(DONE))
        .col_expr(Column::DueAt, due_if_again(txn.now()))
        .col_expr(Column::Attempts, Expr::value(0))
        .col_expr(Column::ReadAt, Expr::value(look.began_at))
        .col_expr(Column::Problem, Expr::value(None::<String>));
    settle(txn, look, update).await
}

/// Notes that WeCom will not tell, and why; `false` when the lease was lost.
pub(crate) async fn refuse(txn: &Txn, look: &Taken, problem: &str) -> Result<bool, DbErr> {
    let update = Entity::update_many()
        .col_expr(Column::State, unless_again(REFUSED))
        .col_expr(Column::DueAt, due_if_again(txn.now()))
        .col_expr(Column::Problem, Expr::value(problem));
    settle(txn, look, update).await
}

/// Lets a look wait until `moment`, and notes why; `false` when the lease was lost.
pub(crate) async fn put_off(
    txn: &Txn,
    look: &Taken,
    moment: Timestamp,
    problem: &str,
) -> Result<bool, DbErr> {
    let update = Entity::update_many()
        .col_expr(Column::State, Expr::value(WAITING))
        .col_expr(Column::DueAt, Expr::value(moment))
        .col_expr(Column::Problem, Expr::value(problem));
    settle(txn, look, update).await
}

async fn settle(txn: &Txn, look: &Taken, update: UpdateMany<Entity>) -> Result<bool, DbErr> {
    let is_ours = Column::CorpId.eq(look.corp).and(Column::Seq.eq(look.seq));
    let updated = update.filter(is_ours.and(Column::DueAt.eq(look.leased_until))).exec(txn).await?;
    // A hint may have come while it was read.
    txn.will_wake(TABLE);
    Ok(updated.rows_affected == 1)
}

fn unless_again(state: &str) -> SimpleExpr {
    CaseStatement::new().case(Column::State.eq(AGAIN), WAITING).finally(state).into()
}

fn due_if_again(now: Timestamp) -> SimpleExpr {
    let never = Expr::value(None::<Timestamp>);
    CaseStatement::new().case(Column::State.eq(AGAIN), Expr::value(now)).finally(never).into()
}

/// Deletes what was settled before `moment` and is nobody's problem.
pub(crate) async fn forget_before(connection: &impl ConnectionTrait, moment: Timestamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::State.eq(DONE))
        .filter(Column::ReadAt.lt(moment))
        .exec(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
