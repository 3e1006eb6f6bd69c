//! Channels with their staff.

mod row;

use std::collections::{BTreeSet, HashMap, HashSet};

use scrm_db::Txn;
use scrm_db::sql::padded;
use scrm_kernel::{ChannelId, CorpId, Page, PageRequest, Timestamp};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use self::row::{channel_of, row_of, staff_rows};
use super::entity::channel::{ActiveModel, Column, Entity, Model};
use super::entity::channel_staff;
use crate::domain::channel_sync::Channel;

/// The index that keeps a `state` to one channel of a corp.
pub(crate) const UNIQUE_STATE: &str = "uq_channel_state";

/// Adds a channel.
pub(crate) async fn insert(txn: &Txn, channel: &Channel) -> Result<(), DbErr> {
    Entity::insert(row_of(channel)?.into_active_model()).exec_without_returning(txn).await?;
    insert_staff(txn, channel).await
}

/// Writes everything of a locked channel but its staff.
pub(crate) async fn save(txn: &Txn, channel: &Channel) -> Result<(), DbErr> {
    let row = row_of(channel)?;
    let mut changed = row.into_active_model().reset_all();
    changed.id = Unchanged(channel.id);
    changed.gone_at = sea_orm::ActiveValue::NotSet;
    Entity::update(changed).exec_without_returning(txn).await?;
    Ok(())
}

/// Writes the staff of a locked channel anew.
pub(crate) async fn replace_staff(txn: &Txn, channel: &Channel) -> Result<(), DbErr> {
    let of_channel = channel_staff::Column::ChannelId.eq(channel.id);
    channel_staff::Entity::delete_many().filter(of_channel).exec(txn).await?;
    insert_staff(txn, channel).await
}

async fn insert_staff(txn: &Txn, channel: &Channel) -> Result<(), DbErr> {
    let rows = staff_rows(channel).into_iter().map(sea_orm::IntoActiveModel::into_active_model);
    channel_staff::Entity::insert_many(rows).exec_without_returning(txn).await?;
    Ok(())
}

/// Lets nobody see a channel any more.
pub(crate) async fn bury(txn: &Txn, id: ChannelId, now: Timestamp) -> Result<(), DbErr> {
    let gone =
        ActiveModel { id: Unchanged(id), gone_at: Set(Some(now)), ..<ActiveModel as Default>::default() };
    Entity::update(gone).exec_without_returning(txn).await?;
    Ok(())
}

fn of_corp(corp: CorpId) -> Select<Entity> {
    Entity::find().filter(Column::CorpId.eq(corp)).filter(Column::GoneAt.is_null())
}

/// Returns a channel and keeps it locked until the transaction ends.
pub(crate) async fn lock(txn: &Txn, corp: CorpId, id: ChannelId) -> Result<Option<Channel>, DbErr> {
    let row = of_corp(corp).filter(Column::Id.eq(id)).lock_exclusive().one(txn).await?;
    Ok(with_staff(txn, row.into_iter().collect()).await?.pop())
}

/// Returns the channel with a `state` and keeps it locked until the transaction ends.
pub(crate) async fn lock_by_state(txn: &Txn, corp: CorpId, state: &str) -> Result<Option<Channel>, DbErr> {
    let row = of_corp(corp).filter(Column::State.eq(state)).lock_exclusive().one(txn).await?;
    Ok(with_staff(txn, row.into_iter().collect()).await?.pop())
}

/// Returns those of some `states` that are of channels.
pub(crate) async fn known_states(
    txn: &Txn,
    corp: CorpId,
    states: impl Iterator<Item = &str>,
) -> Result<HashSet<String>, DbErr> {
    let states: BTreeSet<&str> = states.collect();
    if states.is_empty() {
        return Ok(HashSet::new());
    }
    let known = of_corp(corp).select_only().column(Column::State).filter(Column::State.is_in(padded(states)));
    Ok(known.into_tuple().all(txn).await?.into_iter().collect())
}

/// Returns a channel.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    id: ChannelId,
) -> Result<Option<Channel>, DbErr> {
    let row = of_corp(corp).filter(Column::Id.eq(id)).one(connection).await?;
    Ok(with_staff(connection, row.into_iter().collect()).await?.pop())
}

/// Lists channels, newest first; `before` is the last one of the page before.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    page: &PageRequest,
    before: Option<ChannelId>,
) -> Result<Page<Channel>, DbErr> {
    let rows = of_corp(corp)
        .filter(Condition::all().add_option(before.map(|before| Column::Id.lt(before))))
        .order_by_desc(Column::Id)
        .limit(page.limit + 1)
        .all(connection)
        .await?;
    Ok(Page::of(with_staff(connection, rows).await?, page.limit, |channel| channel.id))
}

/// Returns channels of all corps in the order they were made, after a given one.
pub(crate) async fn after(
    connection: &impl ConnectionTrait,
    last: Option<ChannelId>,
    most: u64,
) -> Result<Vec<Channel>, DbErr> {
    let rows = Entity::find()
        .filter(Column::GoneAt.is_null())
        .filter(Condition::all().add_option(last.map(|last| Column::Id.gt(last))))
        .order_by_asc(Column::Id)
        .limit(most)
        .all(connection)
        .await?;
    with_staff(connection, rows).await
}

/// Returns WeCom's ids of the ways that were called for since a moment, those of channels that are gone included.
pub(crate) async fn known_ways(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    since: Timestamp,
) -> Result<Vec<String>, DbErr> {
    let known: Vec<Option<String>> = Entity::find()
        .select_only()
        .column(Column::ConfigId)
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ConfigId.is_not_null())
        .filter(Column::CalledAt.gte(since))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(known.into_iter().flatten().collect())
}

async fn with_staff(connection: &impl ConnectionTrait, rows: Vec<Model>) -> Result<Vec<Channel>, DbErr> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let places = channel_staff::Entity::find()
        .filter(channel_staff::Column::ChannelId.is_in(rows.iter().map(|row| row.id)))
        .order_by_asc(channel_staff::Column::Position)
        .all(connection)
        .await?;
    let mut staff: HashMap<ChannelId, Vec<channel_staff::Model>> = HashMap::new();
    for place in places {
        staff.entry(place.channel_id).or_default().push(place);
    }
    rows.into_iter()
        .map(|row| {
            let staff = staff.remove(&row.id).unwrap_or_default();
            channel_of(row, &staff)
        })
        .collect()
}
