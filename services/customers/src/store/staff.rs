//! By which name in WeCom the directory's people are known.

use std::collections::BTreeSet;

use scrm_db::Txn;
use scrm_kernel::{CorpId, People, Scope, StaffId, WecomUserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};

use super::entity::staff::{ActiveModel, Column, Entity};

/// Notes who somebody is in WeCom, or that they have no id there now; an older version changes nothing.
pub(crate) async fn note(
    txn: &Txn,
    corp: CorpId,
    staff: StaffId,
    version: i64,
    user: Option<&WecomUserId>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(staff),
        corp_id: Set(corp),
        user_key: Set(user.map_or_else(String::new, WecomUserId::folded)),
        version: Set(version),
    };
    let newer = OnConflict::column(Column::Id)
        .update_columns([Column::UserKey, Column::Version])
        .action_and_where(Expr::col((Entity, Column::Version)).lt(version))
        .action_and_where(Expr::col((Entity, Column::CorpId)).eq(corp))
        .to_owned();
    Entity::insert(row).on_conflict(newer).exec_without_returning(txn).await?;
    Ok(())
}

/// Returns the members, case-folded, whose relations `scope` sees; none means all.
pub(crate) async fn seen_by(
    connection: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<Option<Vec<String>>, DbErr> {
    let People::Only(people) = &scope.people else { return Ok(None) };
    let people: &BTreeSet<StaffId> = people;
    let users = Entity::find()
        .select_only()
        .column(Column::UserKey)
        .filter(Column::CorpId.eq(scope.corp))
        .filter(Column::Id.is_in(people.iter().copied()))
        .into_tuple::<String>()
        .all(connection)
        .await?;
    Ok(Some(users))
}
