//! Relations that ingest has told of, or that WeCom listed.

use std::collections::{BTreeMap, HashMap};

use scrm_db::Txn;
use scrm_kernel::{CorpId, ExternalUserId, ReconciliationId, Timestamp, WecomUserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, OnConflict, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::relation::{ActiveModel, Column, Entity, Model};
use super::inconsistent;
use crate::domain::relation::{Known, Pair, Standing, Told};

/// A relation that WeCom lists.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// Between whom.
    pub(crate) pair: Pair,
    /// When it began.
    pub(crate) began_at: Timestamp,
    /// What the listing says about it.
    pub(crate) fingerprint: Vec<u8>,
}

/// Notes what callbacks tell; of each relation the newest stands, in whatever order they come.
pub(crate) async fn note(txn: &Txn, told: &[Told]) -> Result<(), DbErr> {
    // Each relation once, and always in the same order: rows are locked one after the other.
    let mut by_pair = BTreeMap::new();
    for one in told {
        let kept = by_pair.entry(key_of(one.corp, &one.pair)).or_insert(one);
        if (one.occurred_at, one.received_seq) > (kept.occurred_at, kept.received_seq) {
            *kept = one;
        }
    }
    if by_pair.is_empty() {
        return Ok(());
    }
    let rows = by_pair.into_values().map(|one| ActiveModel {
        state: Set(one.standing.as_str().to_owned()),
        received_seq: Set(one.received_seq),
        is_half: Set(one.is_half),
        ..row_of(one.corp, &one.pair, one.occurred_at)
    });
    let (new_at, old_at) = (hinted(Column::OccurredAt), kept(Column::OccurredAt));
    let is_as_new = new_at.clone().eq(old_at.clone());
    let is_later = is_as_new.and(hinted(Column::ReceivedSeq).gte(kept(Column::ReceivedSeq)));
    let replace = on_pair()
        .update_columns([
            Column::UserId,
            Column::State,
            Column::OccurredAt,
            Column::ReceivedSeq,
            Column::MissedAt,
            Column::IsHalf,
        ])
        .action_and_where(new_at.gt(old_at).or(is_later))
        .to_owned();
    Entity::insert_many(rows).on_conflict(replace).exec_without_returning(txn).await?;
    Ok(())
}

/// Notes that WeCom lists relations, whatever they are; those that nobody told of are present from now on.
pub(crate) async fn list(
    txn: &Txn,
    corp: CorpId,
    run: ReconciliationId,
    listed: &[Listed],
) -> Result<(), DbErr> {
    let listed_again = [Column::Fingerprint, Column::ListedIn, Column::MissedAt, Column::IsHalf];
    put(txn, corp, run, listed, on_pair().update_columns(listed_again).to_owned()).await
}

/// Notes that relations began whose callbacks got lost.
pub(crate) async fn begin_again(
    txn: &Txn,
    corp: CorpId,
    run: ReconciliationId,
    listed: &[Listed],
) -> Result<(), DbErr> {
    let begun_again = on_pair()
        .update_columns([Column::State, Column::OccurredAt, Column::ReceivedSeq])
        .action_and_where(hinted(Column::OccurredAt).gt(kept(Column::OccurredAt)))
        .to_owned();
    put(txn, corp, run, listed, begun_again).await
}

async fn put(
    txn: &Txn,
    corp: CorpId,
    run: ReconciliationId,
    listed: &[Listed],
    on_conflict: OnConflict,
) -> Result<(), DbErr> {
    let by_pair: BTreeMap<_, _> = listed.iter().map(|one| (key_of(corp, &one.pair), one)).collect();
    if by_pair.is_empty() {
        return Ok(());
    }
    let rows = by_pair.into_values().map(|one| ActiveModel {
        fingerprint: Set(Some(one.fingerprint.clone())),
        listed_in: Set(Some(run)),
        ..row_of(corp, &one.pair, one.began_at)
    });
    Entity::insert_many(rows).on_conflict(on_conflict).exec_without_returning(txn).await?;
    Ok(())
}

fn key_of(corp: CorpId, pair: &Pair) -> (CorpId, String, String) {
    (corp, pair.user.folded(), pair.customer.as_str().to_owned())
}

fn row_of(corp: CorpId, pair: &Pair, occurred_at: Timestamp) -> ActiveModel {
    ActiveModel {
        corp_id: Set(corp),
        user_key: Set(pair.user.folded()),
        external_user_id: Set(pair.customer.as_str().to_owned()),
        user_id: Set(pair.user.as_str().to_owned()),
        state: Set(Standing::Present.as_str().to_owned()),
        occurred_at: Set(occurred_at),
        received_seq: Set(0),
        fingerprint: Set(None),
        listed_in: Set(None),
        missed_at: Set(None),
        is_half: Set(false),
    }
}

fn on_pair() -> OnConflict {
    OnConflict::columns([Column::CorpId, Column::UserKey, Column::ExternalUserId])
}

fn hinted(column: Column) -> SimpleExpr {
    Expr::col((Alias::new("excluded"), column))
}

fn kept(column: Column) -> SimpleExpr {
    Expr::col((Entity, column))
}

/// Gives all relations of a member to their new userid.
pub(crate) async fn rename(
    txn: &Txn,
    corp: CorpId,
    former: &WecomUserId,
    new: &WecomUserId,
) -> Result<(), DbErr> {
    if former == new {
        return Ok(());
    }
    let of = |user: &WecomUserId| Column::CorpId.eq(corp).and(Column::UserKey.eq(user.folded()));
    // What was told under the new userid is newer.
    let told = Query::select().column(Column::ExternalUserId).from(Entity).and_where(of(new)).to_owned();
    let is_told = Column::ExternalUserId.in_subquery(told);
    Entity::delete_many().filter(of(former).and(is_told)).exec(txn).await?;
    Entity::update_many()
        .col_expr(Column::UserKey, Expr::value(new.folded()))
        .col_expr(Column::UserId, Expr::value(new.as_str()))
        .filter(of(former))
        .exec(txn)
        .await?;
    Ok(())
}

/// Returns what is known of relations.
pub(crate) async fn known(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    pairs: &[&Pair],
) -> Result<HashMap<Pair, Known>, DbErr> {
    let customers = pairs.iter().map(|pair| pair.customer.as_str());
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::UserKey.is_in(pairs.iter().map(|pair| pair.user.folded())))
        .filter(Column::ExternalUserId.is_in(customers))
        .all(connection)
        .await?;
    rows.into_iter().map(|row| Ok((pair_of(&row)?, known_of(row)?))).collect()
}

fn pair_of(row: &Model) -> Result<Pair, DbErr> {
    let user = WecomUserId::parse(&row.user_id);
    let customer = ExternalUserId::parse(&row.external_user_id);
    Ok(Pair {
        user: user.map_err(|_| inconsistent("relation", "user_id", &row.user_key))?,
        customer: customer.map_err(|_| inconsistent("relation", "external_user_id", &row.user_key))?,
    })
}

fn known_of(row: Model) -> Result<Known, DbErr> {
    let standing = Standing::parse(&row.state);
    Ok(Known {
        standing: standing.ok_or_else(|| inconsistent("relation", "state", &row.user_key))?,
        occurred_at: row.occurred_at,
        fingerprint: row.fingerprint,
        listed_in: row.listed_in,
    })
}

/// Selects the relations that a complete listing, begun at `listing_at`, should have had and did not.
fn missed_by(corp: CorpId, run: ReconciliationId, listing_at: Timestamp) -> Condition {
    Condition::all()
        .add(Column::CorpId.eq(corp))
        .add(Column::State.eq(Standing::Present.as_str()))
        .add(Column::IsHalf.eq(false))
        .add(Column::OccurredAt.lt(listing_at))
        .add(Column::ListedIn.is_null().or(Column::ListedIn.ne(run)))
}

/// Selects those of them that an earlier complete listing did not have either.
fn missed_twice(corp: CorpId, run: ReconciliationId, listing_at: Timestamp) -> Condition {
    missed_by(corp, run, listing_at)
        .add(Column::MissedAt.lt(listing_at))
        .add(Expr::col(Column::MissedAt).gt(Expr::col(Column::OccurredAt)))
}

/// Notes that a complete listing did not have relations; returns how many.
pub(crate) async fn miss(
    txn: &Txn,
    corp: CorpId,
    run: ReconciliationId,
    listing_at: Timestamp,
) -> Result<u64, DbErr> {
    let missed = missed_by(corp, run, listing_at);
    Entity::update_many()
        .col_expr(Column::MissedAt, Expr::value(listing_at))
        .filter(missed.clone().add(Column::MissedAt.is_null()))
        .exec(txn)
        .await?;
    Entity::find().filter(missed).count(txn).await
}

/// Returns up to `most` relations that two complete listings did not have.
pub(crate) async fn gone(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    run: ReconciliationId,
    listing_at: Timestamp,
    most: u64,
) -> Result<Vec<Pair>, DbErr> {
    let rows = Entity::find()
        .filter(missed_twice(corp, run, listing_at))
        .order_by_asc(Column::ExternalUserId)
        .order_by_asc(Column::UserKey)
        .limit(most)
        .all(connection)
        .await?;
    rows.iter().map(pair_of).collect()
}

/// Counts the relations that two complete listings did not have, and all that are present.
pub(crate) async fn count_gone(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    run: ReconciliationId,
    listing_at: Timestamp,
) -> Result<(u64, u64), DbErr> {
    let present = Column::CorpId.eq(corp).and(Column::State.eq(Standing::Present.as_str()));
    let gone = Entity::find().filter(missed_twice(corp, run, listing_at)).count(connection).await?;
    Ok((gone, Entity::find().filter(present).count(connection).await?))
}

/// Notes that a relation has ended, as far as WeCom said at `moment`; `false` when something newer was told since.
pub(crate) async fn end(txn: &Txn, corp: CorpId, pair: &Pair, moment: Timestamp) -> Result<bool, DbErr> {
    let ended = Entity::update_many()
        .col_expr(Column::State, Expr::value(Standing::Gone.as_str()))
        .col_expr(Column::OccurredAt, Expr::value(moment))
        .col_expr(Column::ReceivedSeq, Expr::value(0))
        .col_expr(Column::MissedAt, Expr::value(None::<Timestamp>))
        .filter(of_pair(corp, pair))
        .filter(Column::State.eq(Standing::Present.as_str()))
        .filter(Column::OccurredAt.lt(moment))
        .exec(txn)
        .await?;
    Ok(ended.rows_affected == 1)
}

/// Notes that WeCom knows a relation although listings did not have it.
pub(crate) async fn keep(txn: &Txn, corp: CorpId, run: ReconciliationId, pair: &Pair) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ListedIn, Expr::value(run))
        .col_expr(Column::MissedAt, Expr::value(None::<Timestamp>))
        .filter(of_pair(corp, pair))
        .exec(txn)
        .await?;
    Ok(())
}

fn of_pair(corp: CorpId, pair: &Pair) -> SimpleExpr {
    let of_member = Column::CorpId.eq(corp).and(Column::UserKey.eq(pair.user.folded()));
    of_member.and(Column::ExternalUserId.eq(pair.customer.as_str()))
}
