//! What the directory told of members of the staff.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use scrm_db::Txn;
use scrm_kernel::{CorpId, Scope, StaffId, WecomUserId};
use scrm_people::{among, note_places};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, SelectStatement};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, Select,
};

use super::entity::staff::{ActiveModel, Column, Entity, Model};
use super::entity::staff_alias;
use super::inconsistent;
use crate::domain::staff::{Known, State, Told};

/// Notes what was told of a member; an older version changes nothing.
pub(crate) async fn note(txn: &Txn, corp: CorpId, told: &Told) -> Result<(), DbErr> {
    let row = ActiveModel {
        corp_id: Set(corp),
        staff_id: Set(told.id),
        version: Set(told.version),
        user_key: Set(told.user.as_ref().map(WecomUserId::folded)),
        user_id: Set(told.user.as_ref().map(|user| user.as_str().to_owned())),
        name: Set(told.name.clone()),
        state: Set(told.state.as_str().to_owned()),
    };
    let newer = OnConflict::columns([Column::CorpId, Column::StaffId])
        .update_columns([Column::Version, Column::UserKey, Column::UserId, Column::Name, Column::State])
        .action_and_where(Expr::col((Entity, Column::Version)).lt(told.version))
        .to_owned();
    // The row is locked from here on, so its aliases and places are those of the same version.
    if Entity::insert(row).on_conflict(newer).exec_without_returning(txn).await? == 0 {
        return Ok(());
    }
    note_places(txn, corp, told.id, told.departments.iter().copied()).await?;
    staff_alias::Entity::delete_many()
        .filter(staff_alias::Column::CorpId.eq(corp))
        .filter(staff_alias::Column::StaffId.eq(told.id))
        .exec(txn)
        .await?;
    let keys: BTreeSet<String> = told.former.iter().map(WecomUserId::folded).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let alias = |user_key: String| staff_alias::ActiveModel {
        corp_id: Set(corp),
        user_key: Set(user_key),
        staff_id: Set(told.id),
    };
    staff_alias::Entity::insert_many(keys.into_iter().map(alias)).exec_without_returning(txn).await?;
    Ok(())
}

/// Returns those members of whom anything was told, by the folded ids asked for: who has the id now, or else who had it.
pub(crate) async fn known(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    user_keys: impl IntoIterator<Item = String>,
) -> Result<HashMap<String, Known>, DbErr> {
    let mut missing: BTreeSet<String> = user_keys.into_iter().collect();
    if missing.is_empty() {
        return Ok(HashMap::new());
    }
    let mut found = HashMap::new();
    let holders = Condition::all().add(Column::UserKey.is_in(missing.iter().cloned()));
    for row in rows(connection, corp, holders).await? {
        let Some(user_key) = row.user_key.clone() else { continue };
        missing.remove(&user_key);
        found.insert(user_key, known_of(row)?);
    }
    if missing.is_empty() {
        return Ok(found);
    }
    for (user_key, row) in former(connection, corp, missing).await? {
        found.insert(user_key, known_of(row)?);
    }
    Ok(found)
}

/// Folded ids of some members.
pub(super) struct Keys {
    /// Selects those that they have now.
    pub(super) present: SelectStatement,
    /// Selects those that they had, and that nobody else has now.
    pub(super) former: SelectStatement,
}

/// Returns the folded ids of the members whose things `scope` sees; none when it is everybody.
pub(super) fn keys_within(scope: &Scope) -> Option<Keys> {
    let corp = scope.corp;
    let present = among((Entity, Column::StaffId), scope)?;
    let former = among((staff_alias::Entity, staff_alias::Column::StaffId), scope)?;
    let former = staff_alias::Entity::find()
        .select_only()
        .column(staff_alias::Column::UserKey)
        .filter(staff_alias::Column::CorpId.eq(corp))
        .filter(former)
        .filter(staff_alias::Column::UserKey.not_in_subquery(present_keys(corp).into_query()));
    Some(Keys { present: present_keys(corp).filter(present).into_query(), former: former.into_query() })
}

fn present_keys(corp: CorpId) -> Select<Entity> {
    let keys = Entity::find().select_only().column(Column::UserKey).filter(Column::CorpId.eq(corp));
    // A null among them would be different from nothing, and equal to nothing.
    keys.filter(Column::UserKey.is_not_null())
}

/// Returns the name of whoever has an id, if it is known.
pub(crate) async fn name(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    user: &WecomUserId,
) -> Result<Option<String>, DbErr> {
    let found = known(connection, corp, [user.folded()]).await?;
    Ok(found.into_values().next().and_then(|member| member.name))
}

async fn former(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    user_keys: BTreeSet<String>,
) -> Result<Vec<(String, Model)>, DbErr> {
    let aliases = staff_alias::Entity::find()
        .filter(staff_alias::Column::CorpId.eq(corp))
        .filter(staff_alias::Column::UserKey.is_in(user_keys))
        .order_by_asc(staff_alias::Column::StaffId)
        .all(connection)
        .await?;
    if aliases.is_empty() {
        return Ok(Vec::new());
    }
    let ids = Condition::all().add(Column::StaffId.is_in(aliases.iter().map(|alias| alias.staff_id)));
    let members: BTreeMap<StaffId, Model> =
        rows(connection, corp, ids).await?.into_iter().map(|row| (row.staff_id, row)).collect();
    let member = |alias: staff_alias::Model| {
        members.get(&alias.staff_id).map(|member| (alias.user_key, member.clone()))
    };
    Ok(aliases.into_iter().filter_map(member).collect())
}

/// Returns members: those who are away first, then in the order in which they became known.
async fn rows(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    condition: Condition,
) -> Result<Vec<Model>, DbErr> {
    let mut rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(condition)
        .order_by_asc(Column::StaffId)
        .all(connection)
        .await?;
    // While an id goes from one to another, both may be known to have it.
    rows.sort_by_key(|row| State::parse(&row.state).is_none_or(|state| !state.is_away()));
    Ok(rows)
}

fn known_of(row: Model) -> Result<Known, DbErr> {
    let state = State::parse(&row.state).ok_or_else(|| inconsistent("staff", "state", row.staff_id))?;
    Ok(Known { id: row.staff_id, name: Some(row.name).filter(|name| !name.is_empty()), state })
}
