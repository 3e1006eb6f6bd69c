//! Departments.

use scrm_db::Txn;
use scrm_kernel::CorpId;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, Iterable as _, QueryFilter as _,
    QueryOrder as _,
};

use super::entity::department::{ActiveModel, Column, Entity, Model};
use super::{json_of, of_json};
use crate::domain::department::{Department, Known};

/// Returns all departments of a corp, those included that are not there any more, by number.
pub(crate) async fn all(connection: &impl ConnectionTrait, corp: CorpId) -> Result<Vec<Known>, DbErr> {
    let rows =
        Entity::find().filter(Column::CorpId.eq(corp)).order_by_asc(Column::Number).all(connection).await?;
    rows.into_iter().map(known_of).collect()
}

fn known_of(row: Model) -> Result<Known, DbErr> {
    let department = Department {
        number: row.number,
        name: row.name,
        parent: row.parent_id,
        rank: row.rank,
        leaders: of_json(row.leader_user_ids)?,
    };
    Ok(Known { department, version: row.version, is_removed: row.is_removed })
}

/// Writes what has become of a department.
pub(crate) async fn put(txn: &Txn, corp: CorpId, known: &Known) -> Result<(), DbErr> {
    let department = &known.department;
    let row = ActiveModel {
        corp_id: Set(corp),
        number: Set(department.number),
        version: Set(known.version),
        name: Set(department.name.clone()),
        parent_id: Set(department.parent),
        rank: Set(department.rank),
        leader_user_ids: Set(json_of(&department.leaders)?),
        is_removed: Set(known.is_removed),
    };
    let others = Column::iter().filter(|column| !matches!(column, Column::CorpId | Column::Number));
    let replace = OnConflict::columns([Column::CorpId, Column::Number]).update_columns(others).to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(txn).await?;
    Ok(())
}
