//! Routing groups and their members.

use scrm_db::Txn;
use scrm_kernel::{CorpId, Timestamp, WecomUserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::{routing_group, routing_member};
use super::inconsistent;
use crate::domain::routing::{Group, Member, Strategy};

/// Returns a group, and keeps it locked until the transaction ends: one lead after the other is given out.
pub(crate) async fn lock(txn: &Txn, corp: CorpId, name: &str) -> Result<Option<Group>, DbErr> {
    let row = routing_group::Entity::find_by_id((corp, name.to_owned())).lock_exclusive().one(txn).await?;
    with_members(txn, corp, row).await
}

/// Returns a group.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    name: &str,
) -> Result<Option<Group>, DbErr> {
    let row = routing_group::Entity::find_by_id((corp, name.to_owned())).one(connection).await?;
    with_members(connection, corp, row).await
}

async fn with_members(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    row: Option<routing_group::Model>,
) -> Result<Option<Group>, DbErr> {
    let Some(row) = row else { return Ok(None) };
    let members = routing_member::Entity::find()
        .filter(routing_member::Column::CorpId.eq(corp))
        .filter(routing_member::Column::GroupName.eq(row.name.as_str()))
        .order_by_asc(routing_member::Column::Place)
        .all(connection)
        .await?;
    group_of(row, members).map(Some)
}

/// Returns all groups of a corp by name.
pub(crate) async fn all(connection: &impl ConnectionTrait, corp: CorpId) -> Result<Vec<Group>, DbErr> {
    let groups = routing_group::Entity::find()
        .filter(routing_group::Column::CorpId.eq(corp))
        .order_by_asc(routing_group::Column::Name)
        .all(connection)
        .await?;
    let mut members = routing_member::Entity::find()
        .filter(routing_member::Column::CorpId.eq(corp))
        .order_by_asc(routing_member::Column::Place)
        .all(connection)
        .await?;
    let mut found = Vec::with_capacity(groups.len());
    for group in groups {
        let (own, others) = members.into_iter().partition(|member| member.group_name == group.name);
        members = others;
        found.push(group_of(group, own)?);
    }
    Ok(found)
}

fn group_of(row: routing_group::Model, members: Vec<routing_member::Model>) -> Result<Group, DbErr> {
    let bad = |column: &str| inconsistent("routing_group", column, &row.name);
    let backup = row.backup_user_id.as_deref().map(WecomUserId::parse).transpose();
    let member = |member: routing_member::Model| {
        Ok(Member {
            user: WecomUserId::parse(&member.user_id)
                .map_err(|_| inconsistent("routing_member", "user_id", &member.user_key))?,
            weight: member.weight,
            daily_cap: member.daily_cap,
            open_cap: member.open_cap,
            is_active: member.is_active,
            assigned: member.assigned,
            turns: member.turns,
        })
    };
    Ok(Group {
        strategy: Strategy::parse(&row.strategy).ok_or_else(|| bad("strategy"))?,
        backup: backup.map_err(|_| bad("backup_user_id"))?,
        members: members.into_iter().map(member).collect::<Result<_, DbErr>>()?,
        version: row.version,
        updated_at: row.updated_at,
        name: row.name,
    })
}

/// Makes an empty group of version 0, unless there is one, so that it can be locked.
pub(crate) async fn ensure(txn: &Txn, corp: CorpId, name: &str, now: Timestamp) -> Result<(), DbErr> {
    let row = routing_group::ActiveModel {
        corp_id: Set(corp),
        name: Set(name.to_owned()),
        strategy: Set(Strategy::RoundRobin.as_str().to_owned()),
        backup_user_id: Set(None),
        version: Set(0),
        updated_at: Set(now),
    };
    routing_group::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Writes a locked group and its members.
pub(crate) async fn save(txn: &Txn, corp: CorpId, group: &Group) -> Result<(), DbErr> {
    use routing_group::Column as Own;
    let backup = group.backup.as_ref().map(|backup| backup.as_str().to_owned());
    routing_group::Entity::update_many()
        .col_expr(Own::Strategy, Expr::value(group.strategy.as_str()))
        .col_expr(Own::BackupUserId, Expr::value(backup))
        .col_expr(Own::Version, Expr::value(group.version))
        .col_expr(Own::UpdatedAt, Expr::value(group.updated_at))
        .filter(Own::CorpId.eq(corp))
        .filter(Own::Name.eq(group.name.as_str()))
        .exec(txn)
        .await?;
    routing_member::Entity::delete_many()
        .filter(routing_member::Column::CorpId.eq(corp))
        .filter(routing_member::Column::GroupName.eq(group.name.as_str()))
        .exec(txn)
        .await?;
    let row = |(place, member): (i64, &Member)| routing_member::ActiveModel {
        corp_id: Set(corp),
        group_name: Set(group.name.clone()),
        user_key: Set(member.user.folded()),
        user_id: Set(member.user.as_str().to_owned()),
        place: Set(place),
        weight: Set(member.weight),
        daily_cap: Set(member.daily_cap),
        open_cap: Set(member.open_cap),
        is_active: Set(member.is_active),
        assigned: Set(member.assigned),
        turns: Set(member.turns),
    };
    if !group.members.is_empty() {
        let rows = (0..).zip(&group.members).map(row);
        routing_member::Entity::insert_many(rows).exec_without_returning(txn).await?;
    }
    Ok(())
}

/// Writes what a member of a locked group was given.
pub(crate) async fn count(txn: &Txn, corp: CorpId, group: &str, member: &Member) -> Result<(), DbErr> {
    use routing_member::Column;
    routing_member::Entity::update_many()
        .col_expr(Column::Assigned, Expr::value(member.assigned))
        .col_expr(Column::Turns, Expr::value(member.turns))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::GroupName.eq(group))
        .filter(Column::UserKey.eq(member.user.folded()))
        .exec(txn)
        .await?;
    Ok(())
}
