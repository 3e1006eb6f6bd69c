//! By what people are known. A mark belongs to one open lead, and holding it locked is holding the person.

use std::collections::HashMap;

use scrm_db::Txn;
use scrm_db::sql::{self, Known};
use scrm_kernel::{CorpId, LeadId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::lead_mark::{ActiveModel, Column, Entity};
use super::inconsistent;
use crate::domain::submission::Mark;

fn any_of(corp: CorpId, marks: &[Mark]) -> Condition {
    let same = |mark: &Mark| {
        Condition::all().add(Column::Kind.eq(mark.kind.as_str())).add(Column::Value.eq(mark.value.as_str()))
    };
    let any = marks.iter().fold(Condition::any(), |any, mark| any.add(same(mark)));
    Condition::all().add(Column::CorpId.eq(corp)).add(any)
}

/// Claims marks for a lead unless they belong to another one, and keeps them all locked until the transaction ends.
///
/// Returns whose each of them is now, in the order of `marks`.
pub(crate) async fn claim(
    txn: &Txn,
    corp: CorpId,
    marks: &[Mark],
    lead: LeadId,
) -> Result<Vec<LeadId>, DbErr> {
    if marks.is_empty() {
        return Ok(Vec::new());
    }
    let row = |mark: &Mark| ActiveModel {
        corp_id: Set(corp),
        kind: Set(mark.kind.as_str().to_owned()),
        value: Set(mark.value.clone()),
        lead_id: Set(lead),
    };
    // In one order, and so is the locking below: two of one person wait for each other instead of for ever.
    let mut sorted = marks.to_vec();
    sorted.sort_unstable_by(|one, other| {
        (one.kind.as_str(), &one.value).cmp(&(other.kind.as_str(), &other.value))
    });
    let inserted = Entity::insert_many(sorted.iter().map(row))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    if usize::try_from(inserted).is_ok_and(|inserted| inserted == marks.len()) {
        return Ok(vec![lead; marks.len()]);
    }
    let rows = Entity::find()
        .filter(any_of(corp, marks))
        .order_by_asc(Column::Kind)
        .order_by_asc(Column::Value)
        .lock_exclusive()
        .all(txn)
        .await?;
    let holder = |mark: &Mark| {
        let found = rows.iter().find(|row| row.kind == mark.kind.as_str() && row.value == mark.value);
        found.map(|row| row.lead_id).ok_or_else(|| inconsistent("lead_mark", "value", mark.kind.as_str()))
    };
    marks.iter().map(holder).collect()
}

/// Claims marks for leads, each unless it belongs to another one, and says of each whether it is its lead's now.
///
/// Those that are stay locked until the transaction ends. No two of the marks are the same.
pub(crate) async fn claim_each(
    txn: &Txn,
    corp: CorpId,
    claims: Vec<(Mark, LeadId)>,
) -> Result<Vec<bool>, DbErr> {
    let row = |(mark, lead): &(Mark, LeadId)| ActiveModel {
        corp_id: Set(corp),
        kind: Set(mark.kind.as_str().to_owned()),
        value: Set(mark.value.clone()),
        lead_id: Set(*lead),
    };
    // In one order, as above.
    let mut sorted: Vec<_> = claims.iter().collect();
    sorted.sort_unstable_by_key(|(mark, _)| (mark.kind.as_str(), &mark.value));
    let rows = sorted.into_iter().map(row).collect();
    let inserted = sql::insert_all(txn, rows, Known::Skip).await?;
    if usize::try_from(inserted).is_ok_and(|inserted| inserted == claims.len()) {
        return Ok(vec![true; claims.len()]);
    }
    let marks: Vec<Mark> = claims.iter().map(|(mark, _)| mark.clone()).collect();
    let rows = Entity::find().filter(any_of(corp, &marks)).all(txn).await?;
    let held: HashMap<(String, String), LeadId> =
        rows.into_iter().map(|row| ((row.kind, row.value), row.lead_id)).collect();
    let holder = |mark: Mark| held.get(&(mark.kind.as_str().to_owned(), mark.value)).copied();
    Ok(claims.into_iter().map(|(mark, lead)| holder(mark) == Some(lead)).collect())
}

/// Gives back the marks of leads that are not made after all.
pub(crate) async fn give_back(txn: &Txn, corp: CorpId, leads: &[LeadId]) -> Result<(), DbErr> {
    if leads.is_empty() {
        return Ok(());
    }
    let theirs = Column::CorpId.eq(corp).and(Column::LeadId.is_in(leads.iter().copied()));
    Entity::delete_many().filter(theirs).exec(txn).await?;
    Ok(())
}

/// Gives the marks that one lead has just claimed to another.
pub(crate) async fn hand_over(
    txn: &Txn,
    corp: CorpId,
    marks: &[Mark],
    from: LeadId,
    to: LeadId,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::LeadId, Expr::value(to))
        .filter(any_of(corp, marks))
        .filter(Column::LeadId.eq(from))
        .exec(txn)
        .await?;
    Ok(())
}
