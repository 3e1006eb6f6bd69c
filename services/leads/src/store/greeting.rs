//! What welcome messages say.

use scrm_kernel::{CorpId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde::{Deserialize, Serialize};

use super::entity::greeting::{ActiveModel, Column, Entity, Model};
use crate::domain::greeting::{Greeting, Link};

/// The channel of those who come without one, or through one that has no words of its own.
pub(crate) const DEFAULT: &str = "";

#[derive(Serialize, Deserialize)]
struct LinkRow {
    title: String,
    description: Option<String>,
    url: String,
    picture_url: Option<String>,
}

/// Adds or replaces the words of a channel.
pub(crate) async fn put(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    channel: &str,
    greeting: &Greeting,
    now: Timestamp,
) -> Result<(), DbErr> {
    let links = greeting.links.iter().map(|link| LinkRow {
        title: link.title.clone(),
        description: link.description.clone(),
        url: link.url.clone(),
        picture_url: link.picture_url.clone(),
    });
    let links = serde_json::to_value(links.collect::<Vec<_>>());
    let row = ActiveModel {
        corp_id: Set(corp),
        channel: Set(channel.to_owned()),
        text: Set(greeting.text.to_string()),
        links: Set(links.map_err(|error| DbErr::Json(error.to_string()))?),
        updated_at: Set(now),
    };
    let replace = OnConflict::columns([Column::CorpId, Column::Channel])
        .update_columns([Column::Text, Column::Links, Column::UpdatedAt])
        .to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(connection).await?;
    Ok(())
}

/// Removes the words of a channel; `false` when it had none.
pub(crate) async fn remove(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    channel: &str,
) -> Result<bool, DbErr> {
    let removed = Entity::delete_by_id((corp, channel.to_owned())).exec(connection).await?;
    Ok(removed.rows_affected > 0)
}

/// Returns the words for those who come through `channel`: its own, or the default ones.
pub(crate) async fn for_channel(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    channel: &str,
) -> Result<Option<Greeting>, DbErr> {
    let row = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Channel.is_in([channel, DEFAULT]))
        .order_by_desc(Column::Channel)
        .one(connection)
        .await?;
    row.map(|row| greeting_of(&row)).transpose()
}

/// Returns all channels that have words, and those words.
pub(crate) async fn all(
    connection: &impl ConnectionTrait,
    corp: CorpId,
) -> Result<Vec<(String, Greeting)>, DbErr> {
    let rows = Entity::find().filter(Column::CorpId.eq(corp)).order_by_asc(Column::Channel).all(connection);
    rows.await?.iter().map(|row| Ok((row.channel.clone(), greeting_of(row)?))).collect()
}

fn greeting_of(row: &Model) -> Result<Greeting, DbErr> {
    let bad = || DbErr::Custom(format!("greeting of channel {:?} holds no valid value", row.channel));
    let links: Vec<LinkRow> = serde_json::from_value(row.links.clone()).map_err(|_| bad())?;
    let links = links.into_iter().map(|link| Link {
        title: link.title,
        description: link.description,
        url: link.url,
        picture_url: link.picture_url,
    });
    Greeting::parse(&row.text, links.collect()).map_err(|_| bad())
}
