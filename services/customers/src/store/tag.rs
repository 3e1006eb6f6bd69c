//! The enterprise's tags, in groups, as WeCom lists them.

use std::collections::HashMap;

use scrm_db::Txn;
use scrm_kernel::{CorpId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

use super::entity::{tag, tag_group, tag_library};

/// A group of tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// WeCom's id.
    pub id: String,
    /// The name.
    pub name: String,
    /// Higher comes first.
    pub order: i64,
    /// Its tags.
    pub tags: Vec<Tag>,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// WeCom's id.
    pub id: String,
    /// The name.
    pub name: String,
    /// Higher comes first.
    pub order: i64,
}

/// What a tag is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The tag's name.
    pub name: String,
    /// The name of its group.
    pub group: String,
    /// Whether it was deleted in WeCom.
    pub is_gone: bool,
}

/// Notes all tags that a reading found; what it does not name is gone, unless a newer reading names it.
pub(crate) async fn read(txn: &Txn, corp: CorpId, groups: &[Group], at: Timestamp) -> Result<(), DbErr> {
    let library = tag_library::ActiveModel { corp_id: Set(corp), read_at: Set(at) };
    let newest = OnConflict::column(tag_library::Column::CorpId)
        .update_column(tag_library::Column::ReadAt)
        .action_and_where(Expr::col((tag_library::Entity, tag_library::Column::ReadAt)).lt(at))
        .to_owned();
    // Locks the library, even if it is not written.
    tag_library::Entity::insert(library).on_conflict(newest).exec_without_returning(txn).await?;
    note(txn, corp, groups, at).await
}

/// Notes some tags that WeCom has.
pub(crate) async fn note(txn: &Txn, corp: CorpId, groups: &[Group], at: Timestamp) -> Result<(), DbErr> {
    let group_row = |group: &Group| tag_group::ActiveModel {
        corp_id: Set(corp),
        id: Set(group.id.clone()),
        name: Set(group.name.clone()),
        sort_order: Set(group.order),
        read_at: Set(at),
    };
    let newer = OnConflict::columns([tag_group::Column::CorpId, tag_group::Column::Id])
        .update_columns([tag_group::Column::Name, tag_group::Column::SortOrder, tag_group::Column::ReadAt])
        .action_and_where(Expr::col((tag_group::Entity, tag_group::Column::ReadAt)).lte(at))
        .to_owned();
    for groups in groups.chunks(super::ROWS) {
        tag_group::Entity::insert_many(groups.iter().map(group_row))
            .on_conflict(newer.clone())
            .exec_without_returning(txn)
            .await?;
    }
    let tag_row = |group: &Group, tag: &Tag| tag::ActiveModel {
        corp_id: Set(corp),
        id: Set(tag.id.clone()),
        group_id: Set(group.id.clone()),
        name: Set(tag.name.clone()),
        sort_order: Set(tag.order),
        read_at: Set(at),
    };
    let tags: Vec<_> =
        groups.iter().flat_map(|group| group.tags.iter().map(|tag| tag_row(group, tag))).collect();
    let newer = OnConflict::columns([tag::Column::CorpId, tag::Column::Id])
        .update_columns([
            tag::Column::GroupId,
            tag::Column::Name,
            tag::Column::SortOrder,
            tag::Column::ReadAt,
        ])
        .action_and_where(Expr::col((tag::Entity, tag::Column::ReadAt)).lte(at))
        .to_owned();
    for tags in tags.chunks(super::ROWS) {
        tag::Entity::insert_many(tags.to_vec())
            .on_conflict(newer.clone())
            .exec_without_returning(txn)
            .await?;
    }
    Ok(())
}

async fn read_at(connection: &impl ConnectionTrait, corp: CorpId) -> Result<Timestamp, DbErr> {
    let library = tag_library::Entity::find_by_id(corp).one(connection).await?;
    Ok(library.map(|library| library.read_at).unwrap_or_default())
}

/// Lists the groups that are there with their tags, in WeCom's order.
pub(crate) async fn groups(connection: &impl ConnectionTrait, corp: CorpId) -> Result<Vec<Group>, DbErr> {
    let read_at = read_at(connection, corp).await?;
    let tags = tag::Entity::find()
        .filter(tag::Column::CorpId.eq(corp))
        .filter(tag::Column::ReadAt.gte(read_at))
        .order_by_desc(tag::Column::SortOrder)
        .order_by_asc(tag::Column::Id)
        .all(connection)
        .await?;
    let mut of_group: HashMap<String, Vec<Tag>> = HashMap::new();
    for row in tags {
        let tag = Tag { id: row.id, name: row.name, order: row.sort_order };
        of_group.entry(row.group_id).or_default().push(tag);
    }
    let groups = tag_group::Entity::find()
        .filter(tag_group::Column::CorpId.eq(corp))
        .filter(tag_group::Column::ReadAt.gte(read_at))
        .order_by_desc(tag_group::Column::SortOrder)
        .order_by_asc(tag_group::Column::Id)
        .all(connection)
        .await?;
    let group = |row: tag_group::Model| Group {
        tags: of_group.remove(&row.id).unwrap_or_default(),
        id: row.id,
        name: row.name,
        order: row.sort_order,
    };
    Ok(groups.into_iter().map(group).collect())
}

/// Reports whether the enterprise has a tag of that name in a group of that name.
pub(crate) async fn is_there(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    group: &str,
    name: &str,
) -> Result<bool, DbErr> {
    let read_at = read_at(connection, corp).await?;
    let groups = tag_group::Entity::find()
        .filter(tag_group::Column::CorpId.eq(corp))
        .filter(tag_group::Column::Name.eq(group))
        .filter(tag_group::Column::ReadAt.gte(read_at))
        .all(connection)
        .await?;
    let tag = tag::Entity::find()
        .filter(tag::Column::CorpId.eq(corp))
        .filter(tag::Column::GroupId.is_in(groups.into_iter().map(|group| group.id)))
        .filter(tag::Column::Name.eq(name))
        .filter(tag::Column::ReadAt.gte(read_at))
        .one(connection)
        .await?;
    Ok(tag.is_some())
}

/// Returns what some tags are called, deleted ones too; one that was never read is not among them.
pub(crate) async fn names(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    ids: impl IntoIterator<Item = String>,
) -> Result<HashMap<String, Named>, DbErr> {
    let read_at = read_at(connection, corp).await?;
    let tags = tag::Entity::find()
        .filter(tag::Column::CorpId.eq(corp))
        .filter(tag::Column::Id.is_in(ids))
        .all(connection)
        .await?;
    let groups = tag_group::Entity::find()
        .filter(tag_group::Column::CorpId.eq(corp))
        .filter(tag_group::Column::Id.is_in(tags.iter().map(|tag| tag.group_id.clone())))
        .all(connection)
        .await?;
    let groups: HashMap<String, String> = groups.into_iter().map(|group| (group.id, group.name)).collect();
    let named = |tag: tag::Model| {
        let group = groups.get(&tag.group_id).cloned().unwrap_or_default();
        (tag.id, Named { name: tag.name, group, is_gone: tag.read_at < read_at })
    };
    Ok(tags.into_iter().map(named).collect())
}
