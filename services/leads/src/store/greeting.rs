//! What welcome messages say.

use std::collections::{BTreeSet, HashMap};

use scrm_db::sql;
use scrm_kernel::{CorpId, MediaId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde::{Deserialize, Serialize};

use super::entity::greeting::{ActiveModel, Column, Entity, Model};
use crate::domain::attachment::{Attachment, Link, MiniProgram};
use crate::domain::greeting::Greeting;

/// The channel of those who come without one, or through one that has no words of its own.
pub(crate) const DEFAULT: &str = "";

#[derive(Serialize, Deserialize)]
struct LinkRow {
    title: String,
    description: Option<String>,
    url: String,
    picture_url: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum AttachmentRow {
    Image { media_id: MediaId },
    Video { media_id: MediaId },
    File { media_id: MediaId },
    Link(LinkRow),
    MiniProgram { title: String, app_id: String, page: String, media_id: MediaId },
}

/// Adds the first version of the words of a channel, or replaces the version before; `false` when that is not there.
pub(crate) async fn put(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    channel: &str,
    greeting: &Greeting,
    version: i64,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let links = greeting.attachments.iter().filter_map(|attachment| match attachment {
        Attachment::Link(link) => Some(link_row(link)),
        _ => None,
    });
    let attachments = greeting.attachments.iter().map(attachment_row);
    let row = ActiveModel {
        corp_id: Set(corp),
        channel: Set(channel.to_owned()),
        text: Set(greeting.text.to_string()),
        links: Set(json_of(links)?),
        attachments: Set(Some(json_of(attachments)?)),
        updated_at: Set(now),
        version: Set(version),
    };
    let replace = OnConflict::columns([Column::CorpId, Column::Channel])
        .update_columns([
            Column::Text,
            Column::Links,
            Column::Attachments,
            Column::UpdatedAt,
            Column::Version,
        ])
        .action_and_where(Expr::col((Entity, Column::Version)).eq(version - 1))
        .to_owned();
    Ok(Entity::insert(row).on_conflict(replace).exec_without_returning(connection).await? > 0)
}

/// Returns the version of the words of a channel, if it has any.
pub(crate) async fn version(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    channel: &str,
) -> Result<Option<i64>, DbErr> {
    let row = Entity::find_by_id((corp, channel.to_owned())).one(connection).await?;
    Ok(row.map(|row| row.version))
}

/// Removes the words of a channel that are in this version; `false` when they are not.
pub(crate) async fn remove(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    channel: &str,
    version: i64,
) -> Result<bool, DbErr> {
    let removed = Entity::delete_by_id((corp, channel.to_owned())).filter(Column::Version.eq(version));
    let removed = removed.exec(connection).await?;
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

/// Returns the words of those of some channels that have any, and the default ones.
pub(crate) async fn for_channels<'a>(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    channels: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, Greeting>, DbErr> {
    let wanted: BTreeSet<&str> = channels.into_iter().chain([DEFAULT]).collect();
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Channel.is_in(sql::padded(wanted)))
        .all(connection)
        .await?;
    rows.iter().map(|row| Ok((row.channel.clone(), greeting_of(row)?))).collect()
}

/// Returns all channels that have words, those words, and their version.
pub(crate) async fn all(
    connection: &impl ConnectionTrait,
    corp: CorpId,
) -> Result<Vec<(String, Greeting, i64)>, DbErr> {
    let rows = Entity::find().filter(Column::CorpId.eq(corp)).order_by_asc(Column::Channel).all(connection);
    rows.await?.iter().map(|row| Ok((row.channel.clone(), greeting_of(row)?, row.version))).collect()
}

fn greeting_of(row: &Model) -> Result<Greeting, DbErr> {
    let bad = || DbErr::Custom(format!("greeting of channel {:?} holds no valid value", row.channel));
    let attachments: Vec<AttachmentRow> = if let Some(attachments) = &row.attachments {
        serde_json::from_value(attachments.clone()).map_err(|_| bad())?
    } else {
        let links: Vec<LinkRow> = serde_json::from_value(row.links.clone()).map_err(|_| bad())?;
        links.into_iter().map(AttachmentRow::Link).collect()
    };
    Greeting::parse(&row.text, attachments.into_iter().map(attachment_of).collect()).map_err(|_| bad())
}

fn json_of(rows: impl Iterator<Item = impl Serialize>) -> Result<serde_json::Value, DbErr> {
    serde_json::to_value(rows.collect::<Vec<_>>()).map_err(|error| DbErr::Json(error.to_string()))
}

fn link_row(link: &Link) -> LinkRow {
    let Link { title, description, url, picture_url } = link.clone();
    LinkRow { title, description, url, picture_url }
}

fn attachment_row(attachment: &Attachment) -> AttachmentRow {
    match attachment {
        Attachment::Image(media_id) => AttachmentRow::Image { media_id: *media_id },
        Attachment::Video(media_id) => AttachmentRow::Video { media_id: *media_id },
        Attachment::File(media_id) => AttachmentRow::File { media_id: *media_id },
        Attachment::Link(link) => AttachmentRow::Link(link_row(link)),
        Attachment::MiniProgram(program) => {
            let MiniProgram { title, app_id, page, media: media_id } = program.clone();
            AttachmentRow::MiniProgram { title, app_id, page, media_id }
        }
    }
}

fn attachment_of(row: AttachmentRow) -> Attachment {
    match row {
        AttachmentRow::Image { media_id } => Attachment::Image(media_id),
        AttachmentRow::Video { media_id } => Attachment::Video(media_id),
        AttachmentRow::File { media_id } => Attachment::File(media_id),
        AttachmentRow::Link(LinkRow { title, description, url, picture_url }) => {
            Attachment::Link(Link { title, description, url, picture_url })
        }
        AttachmentRow::MiniProgram { title, app_id, page, media_id } => {
            Attachment::MiniProgram(MiniProgram { title, app_id, page, media: media_id })
        }
    }
}
