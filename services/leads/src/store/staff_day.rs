//! How many leads the rules gave to whom on which day of the corp's calendar.

use std::collections::HashMap;

use scrm_db::Txn;
use scrm_kernel::{CorpId, Day};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::staff_day::{ActiveModel, Column, Entity};

/// Returns the counts of some people, and keeps them locked until the transaction ends, whoever asks for them.
pub(crate) async fn lock(
    txn: &Txn,
    corp: CorpId,
    day: Day,
    people: &[String],
) -> Result<HashMap<String, i64>, DbErr> {
    let found = locked(txn, corp, day, people).await?;
    if found.len() == people.len() {
        return Ok(found);
    }
    let mut missing: Vec<_> = people.iter().filter(|person| !found.contains_key(*person)).collect();
    missing.sort_unstable();
    let row = |person: &String| ActiveModel {
        corp_id: Set(corp),
        user_key: Set(person.clone()),
        day: Set(day.to_string()),
        assigned: Set(0),
    };
    Entity::insert_many(missing.into_iter().map(row))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    locked(txn, corp, day, people).await
}

async fn locked(txn: &Txn, corp: CorpId, day: Day, people: &[String]) -> Result<HashMap<String, i64>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Day.eq(day.to_string()))
        .filter(Column::UserKey.is_in(people))
        .order_by_asc(Column::UserKey)
        .lock_exclusive()
        .all(txn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.user_key, row.assigned)).collect())
}

/// Returns the counts of everybody who got something on a day.
pub(crate) async fn of_day(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    day: Day,
) -> Result<HashMap<String, i64>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Day.eq(day.to_string()))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.user_key, row.assigned)).collect())
}

/// Counts more leads of somebody whose count is locked.
pub(crate) async fn count(txn: &Txn, corp: CorpId, day: Day, person: &str, leads: i64) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Assigned, Expr::col(Column::Assigned).add(leads))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::UserKey.eq(person))
        .filter(Column::Day.eq(day.to_string()))
        .exec(txn)
        .await?;
    Ok(())
}
