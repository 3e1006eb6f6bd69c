//! By which ids in WeCom the directory's people are known, and were known before.

use std::collections::{BTreeMap, BTreeSet};

use scrm_db::Txn;
use scrm_kernel::{CorpId, Scope, WecomUserId};
use scrm_people::{among, note_places};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, OnConflict, Order, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};

use super::entity::staff::{ActiveModel, Column, Entity};
use super::entity::staff_alias;
use super::inconsistent;
use crate::domain::staff::Told;

/// Notes what was told of a member; `false` when it was an older version, which changes nothing.
pub(crate) async fn note(txn: &Txn, corp: CorpId, told: &Told) -> Result<bool, DbErr> {
    let user = told.user.as_ref();
    let row = ActiveModel {
        id: Set(told.id),
        corp_id: Set(corp),
        user_key: Set(user.map_or_else(String::new, WecomUserId::folded)),
        user_id: Set(user.map_or_else(String::new, |user| user.as_str().to_owned())),
        version: Set(told.version),
    };
    let newer = OnConflict::column(Column::Id)
        .update_columns([Column::UserKey, Column::UserId, Column::Version])
        .action_and_where(Expr::col((Entity, Column::Version)).lt(told.version))
        .action_and_where(Expr::col((Entity, Column::CorpId)).eq(corp))
        .to_owned();
    // The row is locked from here on, so its aliases and places are those of the same version.
    if Entity::insert(row).on_conflict(newer).exec_without_returning(txn).await? == 0 {
        return Ok(false);
    }
    note_places(txn, corp, told.id, told.departments.iter().copied()).await?;
    staff_alias::Entity::delete_many()
        .filter(staff_alias::Column::CorpId.eq(corp))
        .filter(staff_alias::Column::StaffId.eq(told.id))
        .exec(txn)
        .await?;
    let keys: BTreeSet<String> = told.former.iter().map(WecomUserId::folded).collect();
    if keys.is_empty() {
        return Ok(true);
    }
    let alias = |user_key: String| staff_alias::ActiveModel {
        corp_id: Set(corp),
        user_key: Set(user_key),
        staff_id: Set(told.id),
    };
    staff_alias::Entity::insert_many(keys.into_iter().map(alias)).exec_without_returning(txn).await?;
    Ok(true)
}

/// Returns the ids by which members are known now, by those of the folded ids asked for that they had before. An id that
/// somebody has now means them; of several who had it, the one who became known last.
pub(crate) async fn present_ids(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    user_keys: impl IntoIterator<Item = String>,
) -> Result<BTreeMap<String, WecomUserId>, DbErr> {
    let user_keys: Vec<String> = user_keys.into_iter().collect();
    if user_keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let holder = Alias::new("holder");
    let of_alias = |column: staff_alias::Column| Expr::col((staff_alias::Entity, column));
    let holders = Query::select()
        .column(Column::Id)
        .from_as(Entity, holder.clone())
        .and_where(Expr::col((holder.clone(), Column::CorpId)).eq(corp))
        .and_where(Expr::col((holder, Column::UserKey)).eq(of_alias(staff_alias::Column::UserKey)))
        .to_owned();
    let is_theirs = Expr::col((Entity, Column::Id)).eq(of_alias(staff_alias::Column::StaffId));
    let present = Query::select()
        .column((staff_alias::Entity, staff_alias::Column::UserKey))
        .column((Entity, Column::UserId))
        .from(staff_alias::Entity)
        .inner_join(Entity, is_theirs)
        .and_where(of_alias(staff_alias::Column::CorpId).eq(corp))
        .and_where(of_alias(staff_alias::Column::UserKey).is_in(user_keys))
        .and_where(Expr::col((Entity, Column::UserId)).ne(""))
        .and_where(Expr::exists(holders).not())
        .order_by((staff_alias::Entity, staff_alias::Column::StaffId), Order::Asc)
        .to_owned();
    let mut ids = BTreeMap::new();
    for row in connection.query_all(&present).await? {
        let (user_key, user_id): (String, String) =
            (row.try_get("", "user_key")?, row.try_get("", "user_id")?);
        let user = WecomUserId::parse(&user_id).map_err(|_| inconsistent("staff", "user_id", &user_key))?;
        ids.insert(user_key, user);
    }
    Ok(ids)
}

/// Returns the id by which the member is known now who has, or else had, this one.
pub(crate) async fn present_id(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    user: &WecomUserId,
) -> Result<WecomUserId, DbErr> {
    let present = present_ids(connection, corp, [user.folded()]).await?;
    Ok(present.into_values().next().unwrap_or_else(|| user.clone()))
}

/// Returns the members, case-folded, whose relations `scope` sees; none means all.
pub(crate) async fn seen_by(
    connection: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<Option<Vec<String>>, DbErr> {
    let Some(people) = among((Entity, Column::Id), scope) else { return Ok(None) };
    let users = Entity::find()
        .select_only()
        .column(Column::UserKey)
        .filter(Column::CorpId.eq(scope.corp))
        .filter(people)
        .into_tuple::<String>()
        .all(connection)
        .await?;
    Ok(Some(users))
}
