//! Business calendars.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use scrm_db::Txn;
use scrm_kernel::{CalendarId, CorpId, Hours};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::entity::calendar::{ActiveModel, Column, Entity, Model};
use super::{inconsistent, json_of, of_json};
use crate::domain::calendar::{Calendar, Draft, OwnDay, source};

/// A day of a calendar's own, as it lies in the row.
#[derive(Serialize, Deserialize)]
struct Day {
    name: String,
    hours: String,
}

/// Returns the calendars of an enterprise, the oldest first.
pub(crate) async fn all(connection: &impl ConnectionTrait, corp: CorpId) -> Result<Vec<Calendar>, DbErr> {
    let rows =
        Entity::find().filter(Column::CorpId.eq(corp)).order_by_asc(Column::Id).all(connection).await?;
    rows.into_iter().map(calendar_of).collect()
}

/// Returns one calendar.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    id: CalendarId,
) -> Result<Option<Calendar>, DbErr> {
    let row = Entity::find_by_id(id).filter(Column::CorpId.eq(corp)).one(connection).await?;
    row.map(calendar_of).transpose()
}

/// Reports whether an enterprise has any.
pub(crate) async fn is_there(connection: &impl ConnectionTrait, corp: CorpId) -> Result<bool, DbErr> {
    Ok(Entity::find().filter(Column::CorpId.eq(corp)).count(connection).await? > 0)
}

/// Returns the enterprises that have calendars whose days were told from another table of holidays.
pub(crate) async fn corps_behind(connection: &impl ConnectionTrait) -> Result<Vec<CorpId>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::CorpId)
        .distinct()
        .filter(Column::Holidays.ne(source()))
        .into_tuple()
        .all(connection)
        .await
}

/// Returns those calendars of an enterprise whose days were told from another table of holidays.
pub(crate) async fn behind(connection: &impl ConnectionTrait, corp: CorpId) -> Result<Vec<Calendar>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Holidays.ne(source()))
        .all(connection)
        .await?;
    rows.into_iter().map(calendar_of).collect()
}

fn calendar_of(row: Model) -> Result<Calendar, DbErr> {
    let id = row.id;
    let bad = |column: &str| inconsistent("calendar", column, id);
    let week: Vec<String> = of_json(row.week)?;
    let week: Result<Vec<Hours>, _> = week.iter().map(|hours| hours.parse()).collect();
    let week = week.ok().and_then(|week| <[Hours; 7]>::try_from(week).ok());
    let days: BTreeMap<NaiveDate, Day> = of_json(row.days)?;
    let mut own = BTreeMap::new();
    for (date, Day { name, hours }) in days {
        own.insert(date, OwnDay { name, hours: hours.parse().map_err(|_| bad("days"))? });
    }
    let draft = Draft {
        name: row.name,
        zone: row.zone.parse().map_err(|_| bad("zone"))?,
        week: week.ok_or_else(|| bad("week"))?,
        follows_holidays: row.follows_holidays,
        days: own,
    };
    Ok(Calendar { id: row.id, version: row.version, is_default: row.is_default, draft })
}

/// Adds a calendar.
pub(crate) async fn insert(txn: &Txn, corp: CorpId, calendar: &Calendar) -> Result<(), DbErr> {
    let row = ActiveModel { id: Set(calendar.id), corp_id: Set(corp), ..row_of(calendar)? };
    Entity::insert(row).exec_without_returning(txn).await?;
    Ok(())
}

/// Writes what has become of a calendar of a locked roster.
pub(crate) async fn save(txn: &Txn, calendar: &Calendar) -> Result<(), DbErr> {
    let row = ActiveModel { id: Unchanged(calendar.id), ..row_of(calendar)? };
    Entity::update(row).exec_without_returning(txn).await?;
    Ok(())
}

fn row_of(calendar: &Calendar) -> Result<ActiveModel, DbErr> {
    let Draft { name, zone, week, follows_holidays, days } = &calendar.draft;
    let day = |(date, day): (&NaiveDate, &OwnDay)| {
        (*date, Day { name: day.name.clone(), hours: day.hours.to_string() })
    };
    let days: BTreeMap<NaiveDate, Day> = days.iter().map(day).collect();
    Ok(ActiveModel {
        version: Set(calendar.version),
        name: Set(name.clone()),
        zone: Set(zone.name().to_owned()),
        week: Set(json_of(&week.each_ref().map(ToString::to_string))?),
        follows_holidays: Set(*follows_holidays),
        days: Set(json_of(&days)?),
        is_default: Set(calendar.is_default),
        holidays: Set(source().to_owned()),
        ..ActiveModel::default()
    })
}

/// Takes the mark of the default from every calendar of a locked roster.
pub(crate) async fn unmark_default(txn: &Txn, corp: CorpId) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::IsDefault, Expr::value(false))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::IsDefault.eq(true))
        .exec(txn)
        .await?;
    Ok(())
}

/// Removes a calendar.
pub(crate) async fn remove(txn: &Txn, corp: CorpId, id: CalendarId) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::CorpId.eq(corp)).filter(Column::Id.eq(id)).exec(txn).await?;
    Ok(())
}
