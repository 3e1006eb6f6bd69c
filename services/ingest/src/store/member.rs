//! Members that ingest has told of.

use std::collections::HashSet;

use scrm_db::Txn;
use scrm_kernel::{CorpId, ReconciliationId, Timestamp, WecomUserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};

use super::entity::member::{ActiveModel, Column, Entity};
use super::inconsistent;
use crate::domain::relation::Standing;

/// Notes that a member was read at `read_at`, and how they stand.
pub(crate) async fn note(
    txn: &Txn,
    corp: CorpId,
    user: &WecomUserId,
    standing: Standing,
    read_at: Timestamp,
    listed_in: Option<ReconciliationId>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        corp_id: Set(corp),
        user_key: Set(user.folded()),
        user_id: Set(user.as_str().to_owned()),
        state: Set(standing.as_str().to_owned()),
        read_at: Set(read_at),
        listed_in: Set(listed_in),
    };
    let is_newer =
        Expr::col((Alias::new("excluded"), Column::ReadAt)).gte(Expr::col((Entity, Column::ReadAt)));
    let mut replaced = vec![Column::UserId, Column::State, Column::ReadAt];
    if listed_in.is_some() {
        replaced.push(Column::ListedIn);
    }
    let replace = OnConflict::columns([Column::CorpId, Column::UserKey])
        .update_columns(replaced)
        .action_and_where(is_newer)
        .to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(txn).await?;
    Ok(())
}

/// Forgets a userid that its member does not have any more; the new one is noted when it is read.
pub(crate) async fn rename(
    txn: &Txn,
    corp: CorpId,
    former: &WecomUserId,
    new: &WecomUserId,
) -> Result<(), DbErr> {
    if former != new {
        let is_former = Column::CorpId.eq(corp).and(Column::UserKey.eq(former.folded()));
        Entity::delete_many().filter(is_former).exec(txn).await?;
    }
    Ok(())
}

/// Returns the folded userids of those that a comparison has had.
pub(crate) async fn listed(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    run: ReconciliationId,
) -> Result<HashSet<String>, DbErr> {
    let keys = Entity::find()
        .select_only()
        .column(Column::UserKey)
        .filter(Column::CorpId.eq(corp).and(Column::ListedIn.eq(run)))
        .into_tuple::<String>()
        .all(connection)
        .await?;
    Ok(keys.into_iter().collect())
}

/// Returns the members who were there before a comparison began and whom it has not had.
pub(crate) async fn missing(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    run: ReconciliationId,
    began_at: Timestamp,
) -> Result<Vec<WecomUserId>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::State.eq(Standing::Present.as_str()))
        .filter(Column::ReadAt.lt(began_at))
        .filter(Column::ListedIn.is_null().or(Column::ListedIn.ne(run)))
        .all(connection)
        .await?;
    let user = |text: &str| WecomUserId::parse(text).map_err(|_| inconsistent("member", "user_id", text));
    rows.iter().map(|row| user(&row.user_id)).collect()
}
