//! The tags of relations. Whoever writes them holds the customer locked.

use std::collections::HashMap;

use scrm_db::Txn;
use scrm_db::sql::{self, Known};
use scrm_kernel::{CorpId, RelationId};
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
};

use super::entity::relation_tag::{Column, Entity, Model};
use crate::domain::tagging::{Mark, Tagging, Wish};

fn row_of(corp: CorpId, relation: RelationId, tag: &str, mark: &Mark) -> Model {
    let wish = mark.wish.as_ref();
    Model {
        corp_id: corp,
        relation_id: relation,
        tag_id: tag.to_owned(),
        in_wecom: mark.in_wecom,
        wish_on: wish.map(|wish| wish.is_on),
        wish_at: wish.map(|wish| wish.at),
        refusal: wish.and_then(|wish| wish.refusal.clone()),
        settled_at: mark.settled_at,
        is_on: mark.is_on(),
    }
}

fn mark_of(row: Model) -> Mark {
    let wish = row.wish_on.zip(row.wish_at);
    Mark {
        in_wecom: row.in_wecom,
        wish: wish.map(|(is_on, at)| Wish { is_on, at, refusal: row.refusal }),
        settled_at: row.settled_at,
    }
}

/// Returns the tags of some relations; one that never had any is not among them.
pub(crate) async fn of_relations(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    relations: impl IntoIterator<Item = RelationId>,
) -> Result<HashMap<RelationId, Tagging>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::RelationId.is_in(sql::padded(relations)))
        .all(connection)
        .await?;
    let mut taggings: HashMap<RelationId, Tagging> = HashMap::new();
    for row in rows {
        let tagging = taggings.entry(row.relation_id).or_default();
        tagging.marks.insert(row.tag_id.clone(), mark_of(row));
    }
    Ok(taggings)
}

/// Returns the tags of one relation.
pub(crate) async fn of(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    relation: RelationId,
) -> Result<Tagging, DbErr> {
    Ok(of_relations(connection, corp, [relation]).await?.remove(&relation).unwrap_or_default())
}

/// Forgets the tags of a relation.
pub(crate) async fn remove(txn: &Txn, corp: CorpId, relation: RelationId) -> Result<(), DbErr> {
    let of_relation = Column::CorpId.eq(corp).and(Column::RelationId.eq(relation));
    Entity::delete_many().filter(of_relation).exec(txn).await.map(drop)
}

/// Writes of some relations the tags that are otherwise than before.
pub(crate) async fn save_all<'a>(
    txn: &Txn,
    corp: CorpId,
    changes: impl IntoIterator<Item = (RelationId, &'a Tagging, &'a Tagging)>,
) -> Result<(), DbErr> {
    let mut rows = Vec::new();
    for (relation, before, after) in changes {
        let others = after.marks.iter().filter(|(tag, mark)| before.marks.get(*tag) != Some(*mark));
        rows.extend(others.map(|(tag, mark)| row_of(corp, relation, tag, mark).into_active_model()));
    }
    sql::insert_all(txn, rows, Known::Replace).await.map(drop)
}

/// Writes of one relation the tags that are otherwise than before.
pub(crate) async fn save(
    txn: &Txn,
    corp: CorpId,
    relation: RelationId,
    before: &Tagging,
    after: &Tagging,
) -> Result<(), DbErr> {
    save_all(txn, corp, [(relation, before, after)]).await
}
