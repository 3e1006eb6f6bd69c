//! Files that are kept, and which greetings use them.

use scrm_db::Txn;
use scrm_kernel::{CorpId, MediaId, Page, PageRequest};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::greeting_media;
use super::entity::media::{ActiveModel, Column, Entity, Model};
use super::inconsistent;
use crate::domain::media::{Kind, Media};

/// Adds a file; `false` when its content is kept already.
pub(crate) async fn insert(txn: &Txn, media: &Media) -> Result<bool, DbErr> {
    let row = ActiveModel {
        id: Set(media.id),
        corp_id: Set(media.corp),
        kind: Set(media.kind.as_str().to_owned()),
        name: Set(media.name.clone()),
        bytes: Set(i64::try_from(media.bytes).unwrap_or(i64::MAX)),
        sha256: Set(media.sha256.clone()),
        created_at: Set(media.created_at),
    };
    let inserted = Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(inserted > 0)
}

/// Returns the file with this content.
pub(crate) async fn of_content(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    kind: Kind,
    sha256: &[u8],
) -> Result<Option<Media>, DbErr> {
    let row = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::Sha256.eq(sha256))
        .one(connection)
        .await?;
    row.map(media_of).transpose()
}

/// Returns a file.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    id: MediaId,
) -> Result<Option<Media>, DbErr> {
    let row = Entity::find_by_id(id).filter(Column::CorpId.eq(corp)).one(connection).await?;
    row.map(media_of).transpose()
}

/// Returns those of some files that are there, locked until the transaction ends.
pub(crate) async fn lock(txn: &Txn, corp: CorpId, ids: &[MediaId]) -> Result<Vec<Media>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(txn)
        .await?;
    rows.into_iter().map(media_of).collect()
}

/// Lists files, newest first; `before` is the last one of the page before.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    page: &PageRequest,
    before: Option<MediaId>,
) -> Result<Page<Media>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Condition::all().add_option(before.map(|before| Column::Id.lt(before))))
        .order_by_desc(Column::Id)
        .limit(page.limit + 1)
        .all(connection)
        .await?;
    let media = rows.into_iter().map(media_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(media, page.limit, |media| media.id))
}

/// Removes a locked file.
pub(crate) async fn remove(txn: &Txn, id: MediaId) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(txn).await.map(drop)
}

/// Returns how many greetings use a file.
pub(crate) async fn uses(txn: &Txn, corp: CorpId, id: MediaId) -> Result<usize, DbErr> {
    let used = greeting_media::Entity::find()
        .filter(greeting_media::Column::CorpId.eq(corp))
        .filter(greeting_media::Column::MediaId.eq(id));
    Ok(used.all(txn).await?.len())
}

/// Notes which files the greeting of a channel uses now.
pub(crate) async fn note_uses(txn: &Txn, corp: CorpId, channel: &str, ids: &[MediaId]) -> Result<(), DbErr> {
    greeting_media::Entity::delete_many()
        .filter(greeting_media::Column::CorpId.eq(corp))
        .filter(greeting_media::Column::Channel.eq(channel))
        .exec(txn)
        .await?;
    if ids.is_empty() {
        return Ok(());
    }
    let row = |id: &MediaId| greeting_media::ActiveModel {
        corp_id: Set(corp),
        media_id: Set(*id),
        channel: Set(channel.to_owned()),
    };
    greeting_media::Entity::insert_many(ids.iter().map(row))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

fn media_of(row: Model) -> Result<Media, DbErr> {
    Ok(Media {
        kind: Kind::parse(&row.kind).ok_or_else(|| inconsistent("media", "kind", row.id))?,
        bytes: u64::try_from(row.bytes).map_err(|_| inconsistent("media", "bytes", row.id))?,
        id: row.id,
        corp: row.corp_id,
        name: row.name,
        sha256: row.sha256,
        created_at: row.created_at,
    })
}
