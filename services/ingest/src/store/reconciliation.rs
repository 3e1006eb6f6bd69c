//! Comparisons with WeCom: one at a time for each enterprise, worked on by one process at a time.

use std::time::Duration;

use scrm_db::{Db, Txn};
use scrm_kernel::{CorpId, Page, PageRequest, ReconciliationId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, LockBehavior, LockType, OnConflict, Query};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::reconciliation::{ActiveModel, Column, Entity, Model};
use super::inconsistent;
use crate::domain::reconciliation::{Counts, ON_ITS_WAY, Reconciliation, State, Step};

/// How long a process may leave a comparison unsaved before another one goes on with it.
pub(crate) const LEASE: Duration = Duration::from_mins(3);

/// Adds a comparison, unless one of the enterprise is running.
pub(crate) async fn insert(connection: &impl ConnectionTrait, run: &Reconciliation) -> Result<bool, DbErr> {
    let row = row_of(run, Some(run.started_at));
    let ignore = OnConflict::new().do_nothing().to_owned();
    Ok(Entity::insert(row).on_conflict(ignore).exec_without_returning(connection).await? > 0)
}

/// Takes a comparison that is to go on; returns it and until when it is this process's.
pub(crate) async fn take(db: &Db) -> Result<Option<(Reconciliation, Timestamp)>, DbErr> {
    let now = db.clock().now();
    let due = Column::DueAt.lte(now);
    if Entity::find().filter(due.clone()).one(db.reader()).await?.is_none() {
        return Ok(None);
    }
    let txn = db.begin().await?;
    let row = Entity::find()
        .filter(due)
        .order_by_asc(Column::DueAt)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .one(&txn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let leased_until = now + LEASE;
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(leased_until))
        .filter(Column::Id.eq(row.id))
        .exec(&txn)
        .await?;
    txn.commit().await?;
    Ok(Some((Reconciliation::try_from(row)?, leased_until)))
}

/// Saves how far a comparison has come; `false` when the lease was lost, and nothing is saved.
pub(crate) async fn save(
    txn: &Txn,
    run: &Reconciliation,
    leased_until: Timestamp,
    due_at: Option<Timestamp>,
) -> Result<bool, DbErr> {
    let is_ours = Column::Id.eq(run.id).and(Column::DueAt.eq(leased_until));
    let held = Entity::find().filter(is_ours).lock_exclusive().one(txn).await?.is_some();
    if held {
        Entity::update(row_of(run, due_at)).exec_without_returning(txn).await?;
    }
    Ok(held)
}

/// Lets everything go on at once that a process before this one left behind; only where there is one process.
///
/// What is to list relations next waits for callbacks that are on their way, before a restart as after it.
pub(crate) async fn take_back(connection: &impl ConnectionTrait, now: Timestamp) -> Result<(), DbErr> {
    let waits = Column::Step.eq(Step::Customers.as_str()).and(Column::ListingAt.is_null());
    for (due_at, which) in [(now, waits.clone().not()), (now + ON_ITS_WAY, waits)] {
        Entity::update_many()
            .col_expr(Column::DueAt, Expr::value(due_at))
            .filter(Column::FinishedAt.is_null())
            .filter(which)
            .exec(connection)
            .await?;
    }
    Ok(())
}

/// Lets a comparison that ended with an alarm mark what is gone; `false` when another one is running.
pub(crate) async fn confirm(txn: &Txn, corp: CorpId, run: ReconciliationId) -> Result<bool, DbErr> {
    let running = Column::CorpId.eq(corp).and(Column::FinishedAt.is_null());
    if Entity::find().filter(running).one(txn).await?.is_some() {
        return Ok(false);
    }
    let confirmed = Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Running.as_str()))
        .col_expr(Column::Confirmed, Expr::value(true))
        .col_expr(Column::FinishedAt, Expr::value(None::<Timestamp>))
        .col_expr(Column::DueAt, Expr::value(txn.now()))
        .filter(Column::CorpId.eq(corp).and(Column::Id.eq(run)))
        .filter(Column::State.eq(State::Alarm.as_str()))
        .exec(txn)
        .await?;
    Ok(confirmed.rows_affected == 1)
}

/// Returns a comparison.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    run: ReconciliationId,
) -> Result<Option<Reconciliation>, DbErr> {
    let row = Entity::find().filter(Column::CorpId.eq(corp).and(Column::Id.eq(run))).one(connection).await?;
    row.map(Reconciliation::try_from).transpose()
}

/// Returns the newest comparison of an enterprise.
pub(crate) async fn newest(
    connection: &impl ConnectionTrait,
    corp: CorpId,
) -> Result<Option<Reconciliation>, DbErr> {
    let row = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .order_by_desc(Column::StartedAt)
        .order_by_desc(Column::Id)
        .one(connection)
        .await?;
    row.map(Reconciliation::try_from).transpose()
}

/// Lists comparisons, newest first; `before` is the last one of the page before.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    page: &PageRequest,
    before: Option<ReconciliationId>,
) -> Result<Page<Reconciliation>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Condition::all().add_option(before.map(|before| Column::Id.lt(before))))
        .order_by_desc(Column::Id)
        .limit(page.limit + 1)
        .all(connection)
        .await?;
    let runs = rows.into_iter().map(Reconciliation::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(runs, page.limit, |run| run.id))
}

/// Forgets comparisons that ended before `moment`; of every enterprise the newest one stays.
pub(crate) async fn forget_before(connection: &impl ConnectionTrait, moment: Timestamp) -> Result<(), DbErr> {
    let newer = Alias::new("newer");
    let of_newer = |column: Column| Expr::col((newer.clone(), column));
    let newer = Query::select()
        .column(Column::Id)
        .from_as(Entity, newer.clone())
        .and_where(of_newer(Column::CorpId).eq(Expr::col((Entity, Column::CorpId))))
        .and_where(of_newer(Column::StartedAt).gt(Expr::col((Entity, Column::StartedAt))))
        .to_owned();
    Entity::delete_many()
        .filter(Column::FinishedAt.lt(moment))
        .filter(Expr::exists(newer))
        .exec(connection)
        .await
        .map(drop)
}

fn row_of(run: &Reconciliation, due_at: Option<Timestamp>) -> ActiveModel {
    let count = |count: u64| Set(i64::try_from(count).unwrap_or(i64::MAX));
    ActiveModel {
        id: Set(run.id),
        corp_id: Set(run.corp),
        state: Set(run.state.as_str().to_owned()),
        step: Set(run.step.as_str().to_owned()),
        cursor: Set(run.cursor.clone()),
        confirmed: Set(run.is_confirmed),
        departments: count(run.counts.departments),
        members: count(run.counts.members),
        tags: count(run.counts.tags),
        listed: count(run.counts.listed),
        relations: count(run.counts.relations),
        added: count(run.counts.added),
        missing: count(run.counts.missing),
        removed: count(run.counts.removed),
        attempts: Set(i32::try_from(run.attempts).unwrap_or(i32::MAX)),
        started_at: Set(run.started_at),
        listing_at: Set(run.listing_at),
        due_at: Set(due_at),
        finished_at: Set(run.finished_at),
        problem: Set(run.problem.clone()),
    }
}

impl TryFrom<Model> for Reconciliation {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let count = |count: i64| u64::try_from(count).unwrap_or_default();
        let wrong = |column| inconsistent("reconciliation", column, row.id);
        Ok(Self {
            id: row.id,
            corp: row.corp_id,
            state: State::parse(&row.state).ok_or_else(|| wrong("state"))?,
            step: Step::parse(&row.step).ok_or_else(|| wrong("step"))?,
            cursor: row.cursor,
            is_confirmed: row.confirmed,
            counts: Counts {
                departments: count(row.departments),
                members: count(row.members),
                tags: count(row.tags),
                listed: count(row.listed),
                relations: count(row.relations),
                added: count(row.added),
                missing: count(row.missing),
                removed: count(row.removed),
            },
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            started_at: row.started_at,
            listing_at: row.listing_at,
            finished_at: row.finished_at,
            problem: row.problem,
        })
    }
}
