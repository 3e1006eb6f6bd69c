//! What the service keeps of customers themselves: their names.

use std::collections::HashMap;

use scrm_kernel::{CorpId, ExternalUserId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};

use super::entity::person::{ActiveModel, Column, Entity, Model};
use super::inconsistent;

/// The table, as those who wait for names know it.
pub(crate) const TABLE: &str = "person";
/// What an insertion calls the row that it would have inserted.
const EXCLUDED: &str = "excluded";

/// Notes names that were read, each of another customer; an older reading changes nothing.
pub(crate) async fn note_all(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    names: &[(ExternalUserId, String, Timestamp)],
) -> Result<(), DbErr> {
    let row = |(person, name, read_at): &(ExternalUserId, String, Timestamp)| ActiveModel {
        corp_id: Set(corp),
        external_user_id: Set(person.as_str().to_owned()),
        name: Set(name.clone()),
        read_at: Set(*read_at),
    };
    let newer = OnConflict::columns([Column::CorpId, Column::ExternalUserId])
        .update_columns([Column::Name, Column::ReadAt])
        .action_and_where(Expr::col((Entity, Column::ReadAt)).lt(Expr::col((EXCLUDED, Column::ReadAt))))
        .to_owned();
    Entity::insert_many(names.iter().map(row)).on_conflict(newer).exec_without_returning(connection).await?;
    Ok(())
}

/// Returns a customer's name, if it was read; empty when WeCom withholds it.
pub(crate) async fn name(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    person: &ExternalUserId,
) -> Result<Option<String>, DbErr> {
    let row = Entity::find_by_id((corp, person.as_str().to_owned())).one(connection).await?;
    Ok(row.map(|row| row.name))
}

/// Returns the names of those of `people` that were read.
pub(crate) async fn names(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    people: impl IntoIterator<Item = &ExternalUserId>,
) -> Result<HashMap<ExternalUserId, String>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ExternalUserId.is_in(people.into_iter().map(ExternalUserId::as_str)))
        .all(connection)
        .await?;
    let named = |row: Model| {
        let person = ExternalUserId::parse(&row.external_user_id);
        Ok((person.map_err(|_| inconsistent("person", "external_user_id", row.corp_id))?, row.name))
    };
    rows.into_iter().map(named).collect()
}
