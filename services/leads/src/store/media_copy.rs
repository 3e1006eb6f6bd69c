//! Copies of files at WeCom, by app.

use std::collections::HashMap;

use scrm_db::Txn;
use scrm_kernel::{CorpId, MediaId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict, Query};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::media_copy::{ActiveModel, Column, Entity, Model};
use super::entity::{greeting_media, media_copy};
use crate::domain::media::Copy;

/// Whose copy of what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) corp: CorpId,
    pub(crate) media: MediaId,
    pub(crate) app: String,
}

/// Returns what is known of an app's copies of some files.
pub(crate) async fn of(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    app: &str,
    media: &[MediaId],
) -> Result<HashMap<MediaId, Copy>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::MediaId.is_in(media.iter().copied()))
        .filter(Column::App.eq(app))
        .all(connection)
        .await?;
    let copy = |row: Model| Copy {
        uploaded: row.wecom_media_id.zip(row.uploaded_at),
        claimed_until: row.claimed_until,
        problem: row.problem,
    };
    Ok(rows.into_iter().map(|row| (row.media_id, copy(row))).collect())
}

/// Notes that copies are wanted; what is known of them stays.
pub(crate) async fn want(connection: &impl ConnectionTrait, mut keys: Vec<Key>) -> Result<(), DbErr> {
    if keys.is_empty() {
        return Ok(());
    }
    // In one order, so that two who want the same copies do not wait for each other.
    keys.sort();
    keys.dedup();
    let row = |key: &Key| ActiveModel {
        corp_id: Set(key.corp),
        media_id: Set(key.media),
        app: Set(key.app.clone()),
        wecom_media_id: Set(None),
        uploaded_at: Set(None),
        claimed_until: Set(None),
        problem: Set(None),
    };
    Entity::insert_many(keys.iter().map(row))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(connection)
        .await?;
    Ok(())
}

/// Returns every file that a greeting uses, with the apps that have or want a copy.
pub(crate) async fn used(
    connection: &impl ConnectionTrait,
) -> Result<Vec<(CorpId, MediaId, Vec<String>)>, DbErr> {
    let used: Vec<(CorpId, MediaId)> = greeting_media::Entity::find()
        .select_only()
        .column(greeting_media::Column::CorpId)
        .column(greeting_media::Column::MediaId)
        .distinct()
        .order_by_asc(greeting_media::Column::CorpId)
        .order_by_asc(greeting_media::Column::MediaId)
        .into_tuple()
        .all(connection)
        .await?;
    if used.is_empty() {
        return Ok(Vec::new());
    }
    let copies: Vec<(MediaId, String)> = Entity::find()
        .select_only()
        .column(Column::MediaId)
        .column(Column::App)
        .filter(is_used())
        .order_by_asc(Column::App)
        .into_tuple()
        .all(connection)
        .await?;
    let mut apps: HashMap<MediaId, Vec<String>> = HashMap::new();
    for (media, app) in copies {
        apps.entry(media).or_default().push(app);
    }
    let with_apps = |(corp, media)| (corp, media, apps.remove(&media).unwrap_or_default());
    Ok(used.into_iter().map(with_apps).collect())
}

/// Returns copies that a greeting uses and that are not there, or were made before `renewed_before`.
pub(crate) async fn due(
    connection: &impl ConnectionTrait,
    now: Timestamp,
    renewed_before: Timestamp,
    most: u64,
) -> Result<Vec<Key>, DbErr> {
    let rows = Entity::find().filter(is_used()).filter(is_due(now, renewed_before)).limit(most);
    let key = |row: Model| Key { corp: row.corp_id, media: row.media_id, app: row.app };
    Ok(rows.all(connection).await?.into_iter().map(key).collect())
}

/// Takes a copy that is due, until `claimed_until`; `false` when somebody else has it.
pub(crate) async fn claim(
    connection: &impl ConnectionTrait,
    key: &Key,
    now: Timestamp,
    renewed_before: Timestamp,
    claimed_until: Timestamp,
) -> Result<bool, DbErr> {
    let claimed = Entity::update_many()
        .col_expr(Column::ClaimedUntil, Expr::value(claimed_until))
        .col_expr(Column::Problem, Expr::value(Option::<String>::None))
        .filter(is(key))
        .filter(is_due(now, renewed_before))
        .exec(connection)
        .await?;
    Ok(claimed.rows_affected > 0)
}

/// Lets every copy be claimed that is claimed now. One that failed waits on.
pub(crate) async fn take_back(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ClaimedUntil, Expr::value(Option::<Timestamp>::None))
        .filter(Column::ClaimedUntil.is_not_null())
        .filter(Column::Problem.is_null())
        .exec(connection)
        .await
        .map(drop)
}

/// Notes what WeCom calls a claimed copy, and since when it has it.
pub(crate) async fn uploaded(
    connection: &impl ConnectionTrait,
    key: &Key,
    claimed_until: Timestamp,
    wecom_media_id: &str,
    since: Timestamp,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::WecomMediaId, Expr::value(wecom_media_id))
        .col_expr(Column::UploadedAt, Expr::value(since))
        .col_expr(Column::ClaimedUntil, Expr::value(Option::<Timestamp>::None))
        .filter(is(key))
        .filter(Column::ClaimedUntil.eq(claimed_until))
        .exec(connection)
        .await
        .map(drop)
}

/// Notes why a claimed copy is not made, and when to try again.
pub(crate) async fn failed(
    connection: &impl ConnectionTrait,
    key: &Key,
    claimed_until: Timestamp,
    problem: &str,
    again_at: Timestamp,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ClaimedUntil, Expr::value(again_at))
        .col_expr(Column::Problem, Expr::value(problem))
        .filter(is(key))
        .filter(Column::ClaimedUntil.eq(claimed_until))
        .exec(connection)
        .await
        .map(drop)
}

/// Notes that WeCom does not know some ids any more, if it has had them since before a moment; returns how many.
pub(crate) async fn spoiled(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    app: &str,
    wecom_media_ids: &[String],
    since_before: Timestamp,
) -> Result<u64, DbErr> {
    let spoiled = Entity::update_many()
        .col_expr(Column::WecomMediaId, Expr::value(Option::<String>::None))
        .col_expr(Column::UploadedAt, Expr::value(Option::<Timestamp>::None))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::App.eq(app))
        .filter(Column::WecomMediaId.is_in(wecom_media_ids))
        .filter(Column::UploadedAt.lt(since_before))
        .exec(connection)
        .await?;
    Ok(spoiled.rows_affected)
}

/// Forgets the copies of a file.
pub(crate) async fn forget(txn: &Txn, corp: CorpId, media: MediaId) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::MediaId.eq(media))
        .exec(txn)
        .await
        .map(drop)
}

fn is(key: &Key) -> Condition {
    Condition::all()
        .add(Column::CorpId.eq(key.corp))
        .add(Column::MediaId.eq(key.media))
        .add(Column::App.eq(key.app.clone()))
}

fn is_used() -> Condition {
    let used =
        Query::select().column(greeting_media::Column::MediaId).from(greeting_media::Entity).to_owned();
    Condition::all().add(media_copy::Column::MediaId.in_subquery(used))
}

fn is_due(now: Timestamp, renewed_before: Timestamp) -> Condition {
    let is_free = Condition::any().add(Column::ClaimedUntil.is_null()).add(Column::ClaimedUntil.lte(now));
    let is_wanted =
        Condition::any().add(Column::WecomMediaId.is_null()).add(Column::UploadedAt.lte(renewed_before));
    Condition::all().add(is_free).add(is_wanted)
}
