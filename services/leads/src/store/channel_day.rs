//! What channels brought, day by day and member by member.

use scrm_db::Txn;
use scrm_kernel::{ChannelId, CorpId, WecomUserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

use super::entity::channel_day::{ActiveModel, Column, Entity, Model};
use crate::domain::channel::Adds;

/// What one member got through one channel on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The channel.
    pub channel: ChannelId,
    /// The member, case-folded.
    pub user_key: String,
    /// In the spelling of the first event.
    pub user: String,
    /// Customers.
    pub adds: u32,
    /// Those of them that should not have come to this member.
    pub overshoot: u32,
}

/// Counts one customer.
pub(crate) async fn count(
    txn: &Txn,
    corp: CorpId,
    channel: ChannelId,
    day: &str,
    user: &WecomUserId,
    is_overshoot: bool,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        corp_id: Set(corp),
        channel_id: Set(channel),
        day: Set(day.to_owned()),
        user_key: Set(user.folded()),
        user_id: Set(user.as_str().to_owned()),
        adds: Set(1),
        overshoot: Set(is_overshoot.into()),
    };
    let more = |column| Expr::col((Entity, column));
    let add = OnConflict::columns([Column::ChannelId, Column::Day, Column::UserKey])
        .value(Column::Adds, more(Column::Adds).add(1))
        .value(Column::Overshoot, more(Column::Overshoot).add(i32::from(is_overshoot)))
        .to_owned();
    Entity::insert(row).on_conflict(add).exec_without_returning(txn).await?;
    Ok(())
}

/// Returns what some channels brought on a day.
pub(crate) async fn on(
    connection: &impl ConnectionTrait,
    channels: &[ChannelId],
    day: &str,
) -> Result<Vec<Count>, DbErr> {
    let rows = Entity::find()
        .filter(Column::ChannelId.is_in(channels.iter().copied()))
        .filter(Column::Day.eq(day))
        .order_by_asc(Column::UserKey)
        .all(connection)
        .await?;
    let number = |number: i32| u32::try_from(number).unwrap_or_default();
    let count = |row: Model| Count {
        channel: row.channel_id,
        user_key: row.user_key,
        user: row.user_id,
        adds: number(row.adds),
        overshoot: number(row.overshoot),
    };
    Ok(rows.into_iter().map(count).collect())
}

/// Returns how many customers each member got through a channel on a day.
pub(crate) async fn adds(
    connection: &impl ConnectionTrait,
    channel: ChannelId,
    day: &str,
) -> Result<Adds, DbErr> {
    Ok(on(connection, &[channel], day).await?.into_iter().map(|count| (count.user_key, count.adds)).collect())
}
