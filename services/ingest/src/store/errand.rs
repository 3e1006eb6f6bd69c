//! What is to be asked of WeCom for a suite, once for each code.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use scrm_db::{Db, Txn};
use scrm_kernel::{CorpId, KeyRing, Page, PageRequest, Sealed, Timestamp, WecomCorpId};
use sea_orm::sea_query::{Expr, LockBehavior, LockType, OnConflict};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use secrecy::SecretString;

use super::entity::errand::{ActiveModel, Column, Entity, Model};
use super::inconsistent;
use crate::domain::connection::AppName;
use crate::domain::suite::{Errand, ErrandKind, ErrandState, Moment};

/// The table, for those who wait for errands.
pub(crate) const TABLE: &str = "suite_errand";
const CODE: &str = "suite_errand.code";
/// How long a process that took an errand may leave it unsettled before another one takes it.
const LEASE: Duration = Duration::from_secs(30);

/// What an enterprise did, which a suite has to follow up.
#[derive(Debug, Clone)]
pub(crate) enum Cause<'a> {
    /// It installed the suite, or renewed its secret: there is a code to exchange.
    Code(ErrandKind, &'a str),
    /// It changed what the suite may do.
    Changed(&'a WecomCorpId),
}

/// An errand that was taken, to be settled before its lease ends.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) id: i64,
    /// The provider.
    pub(crate) corp: CorpId,
    pub(crate) suite: AppName,
    pub(crate) kind: ErrandKind,
    /// What it is about.
    pub(crate) subject: Subject,
    pub(crate) told: Moment,
    /// How often it was tried, this time included.
    pub(crate) attempts: u32,
    leased_until: Timestamp,
}

/// What an errand is about.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// A code to exchange.
    Code(SecretString),
    /// An enterprise to read.
    Corp(WecomCorpId),
}

/// Wants WeCom to be asked. A code is exchanged once, however often we are told of it.
pub(crate) async fn want(
    txn: &Txn,
    keys: &KeyRing,
    corp: CorpId,
    suite: &str,
    cause: Cause<'_>,
    told: Moment,
) -> Result<(), DbErr> {
    let (kind, subject, code) = match cause {
        Cause::Code(kind, code) => {
            let hash = hex::encode(digest(&SHA256, code.as_bytes()));
            (kind, hash, Some(keys.seal(corp, CODE, code.as_bytes()).into_bytes()))
        }
        Cause::Changed(wecom_corp) => (ErrandKind::Refresh, wecom_corp.as_str().to_owned(), None),
    };
    let mut again = OnConflict::columns([Column::Suite, Column::Subject]);
    let again = match kind {
        ErrandKind::Install | ErrandKind::Reset => again.do_nothing().to_owned(),
        ErrandKind::Refresh => again
            .update_columns([
                Column::State,
                Column::DueAt,
                Column::Attempts,
                Column::ToldAt,
                Column::ToldSeq,
                Column::Problem,
                Column::SettledAt,
            ])
            .to_owned(),
    };
    let row = ActiveModel {
        id: NotSet,
        corp_id: Set(corp),
        suite: Set(suite.to_owned()),
        kind: Set(kind.as_str().to_owned()),
        subject: Set(subject),
        code: Set(code),
        told_at: Set(told.at),
        told_seq: Set(told.seq),
        state: Set(ErrandState::Waiting.as_str().to_owned()),
        due_at: Set(Some(txn.now())),
        attempts: Set(0),
        problem: Set(None),
        settled_at: Set(None),
    };
    Entity::insert(row).on_conflict(again).exec_without_returning(txn).await?;
    txn.will_wake(TABLE);
    Ok(())
}

/// Lets everything of a suite be tried at once: a ticket has come.
pub(crate) async fn hurry(txn: &Txn, corp: CorpId, suite: &str) -> Result<(), DbErr> {
    let hurried = Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(txn.now()))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Suite.eq(suite))
        .filter(Column::State.eq(ErrandState::Waiting.as_str()))
        .filter(Column::Problem.is_not_null())
        .exec(txn)
        .await?;
    if hurried.rows_affected > 0 {
        txn.will_wake(TABLE);
    }
    Ok(())
}

/// Takes an errand that is due, for this process alone.
pub(crate) async fn take(db: &Db, keys: &KeyRing) -> Result<Option<Taken>, DbErr> {
    let now = db.clock().now();
    let due = Column::DueAt.lte(now);
    if Entity::find().filter(due.clone()).limit(1).one(db.reader()).await?.is_none() {
        return Ok(None);
    }
    let txn = db.begin().await?;
    let row = Entity::find()
        .filter(due)
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .limit(1)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .one(&txn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let leased_until = now + LEASE;
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(leased_until))
        .col_expr(Column::Attempts, Expr::value(row.attempts + 1))
        // What has a problem may be hurried on, and this is under way.
        .col_expr(Column::Problem, Expr::value(None::<String>))
        .filter(Column::Id.eq(row.id))
        .exec(&txn)
        .await?;
    txn.commit().await?;
    taken(keys, &row, leased_until).map(Some)
}

fn taken(keys: &KeyRing, row: &Model, leased_until: Timestamp) -> Result<Taken, DbErr> {
    let bad = |column| inconsistent(TABLE, column, row.id);
    let subject = match &row.code {
        Some(code) => {
            let plain = keys.open(row.corp_id, CODE, &Sealed::from_bytes(code.clone()));
            let plain = plain.map_err(|error| DbErr::Custom(format!("{CODE} of {}: {error}", row.id)))?;
            Subject::Code(String::from_utf8(plain).map_err(|_| bad("code"))?.into())
        }
        None => Subject::Corp(WecomCorpId::parse(&row.subject).map_err(|_| bad("subject"))?),
    };
    Ok(Taken {
        id: row.id,
        corp: row.corp_id,
        suite: AppName::parse(&row.suite).map_err(|_| bad("suite"))?,
        kind: ErrandKind::parse(&row.kind).ok_or_else(|| bad("kind"))?,
        subject,
        told: Moment { at: row.told_at, seq: row.told_seq },
        attempts: u32::try_from(row.attempts).unwrap_or_default() + 1,
        leased_until,
    })
}

/// Lets everything be taken at once that a process before this one left behind; only where there is one process.
pub(crate) async fn take_back(connection: &impl ConnectionTrait, now: Timestamp) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(now))
        .filter(Column::State.eq(ErrandState::Waiting.as_str()))
        .exec(connection)
        .await?;
    Ok(())
}

/// Notes that a code is exchanged, whoever tries it meanwhile: it works once.
pub(crate) async fn exchanged(txn: &Txn, errand: &Taken) -> Result<(), DbErr> {
    let is_it = Condition::all().add(Column::CorpId.eq(errand.corp)).add(Column::Id.eq(errand.id));
    settle(txn, is_it, ErrandState::Done, None).await
}

/// Notes that an errand is done, unless the lease was lost.
pub(crate) async fn done(txn: &Txn, errand: &Taken) -> Result<(), DbErr> {
    settle(txn, is_still(errand), ErrandState::Done, None).await
}

/// Notes that an errand cannot work any more, and why, unless the lease was lost.
pub(crate) async fn fail(txn: &Txn, errand: &Taken, problem: &str) -> Result<(), DbErr> {
    settle(txn, is_still(errand), ErrandState::Failed, Some(problem)).await
}

/// Its code goes.
async fn settle(txn: &Txn, which: Condition, state: ErrandState, problem: Option<&str>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::DueAt, Expr::value(None::<Timestamp>))
        .col_expr(Column::Code, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::Problem, Expr::value(problem))
        .col_expr(Column::SettledAt, Expr::value(txn.now()))
        .filter(which)
        .exec(txn)
        .await
        .map(drop)
}

/// Lets an errand wait until `moment`, and notes why.
pub(crate) async fn put_off(
    connection: &impl ConnectionTrait,
    errand: &Taken,
    moment: Timestamp,
    problem: &str,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(moment))
        .col_expr(Column::Problem, Expr::value(problem))
        .filter(is_still(errand))
        .exec(connection)
        .await?;
    Ok(())
}

/// The row, as long as the lease holds.
fn is_still(errand: &Taken) -> Condition {
    Condition::all()
        .add(Column::CorpId.eq(errand.corp))
        .add(Column::Id.eq(errand.id))
        .add(Column::DueAt.eq(errand.leased_until))
}

/// Lists the errands of a suite, newest first; `before` is the last one of the page before.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    suite: &AppName,
    page: &PageRequest,
    before: Option<i64>,
) -> Result<Page<Errand>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Suite.eq(suite.as_str()))
        .filter(Condition::all().add_option(before.map(|before| Column::Id.lt(before))))
        .order_by_desc(Column::Id)
        .limit(page.limit + 1)
        .all(connection)
        .await?;
    let errands = rows.into_iter().map(errand_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(errands, page.limit, |errand| errand.id))
}

fn errand_of(row: Model) -> Result<Errand, DbErr> {
    let bad = |column| inconsistent(TABLE, column, row.id);
    Ok(Errand {
        kind: ErrandKind::parse(&row.kind).ok_or_else(|| bad("kind"))?,
        state: ErrandState::parse(&row.state).ok_or_else(|| bad("state"))?,
        id: row.id,
        attempts: u32::try_from(row.attempts).unwrap_or_default(),
        told_at: row.told_at,
        problem: row.problem,
        settled_at: row.settled_at,
    })
}
