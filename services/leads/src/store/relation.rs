//! Relations between members and customers.

use std::collections::HashSet;

use scrm_db::Txn;
use scrm_db::sql::{self, Known};
use scrm_kernel::{CorpId, ExternalUserId, Timestamp, WecomUserId};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::entity::relation::{ActiveModel, Column, Entity, Model};
use crate::domain::lead::Claim;
use crate::domain::relation::Relation;

/// Changes a relation, which is locked until the transaction ends; returns it as it is now.
pub(crate) async fn change(
    txn: &Txn,
    corp: CorpId,
    member: &WecomUserId,
    person: &ExternalUserId,
    change: impl Fn(Relation) -> Relation + Send,
) -> Result<Relation, DbErr> {
    let new = change(Relation::unheard_of());
    let row = ActiveModel {
        corp_id: Set(corp),
        external_user_id: Set(person.as_str().to_owned()),
        user_key: Set(member.folded()),
        ..row_of(new)
    };
    let inserted = Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    if inserted > 0 {
        return Ok(new);
    }
    let row = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ExternalUserId.eq(person.as_str()))
        .filter(Column::UserKey.eq(member.folded()))
        .lock_exclusive()
        .one(txn)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("a relation that was there just now".to_owned()))?;
    let before = relation_of(&row);
    let after = change(before);
    if after != before {
        let changed = ActiveModel {
            corp_id: Unchanged(row.corp_id),
            external_user_id: Unchanged(row.external_user_id),
            user_key: Unchanged(row.user_key),
            ..row_of(after)
        };
        Entity::update(changed).exec_without_returning(txn).await?;
    }
    Ok(after)
}

/// Adds relations of members and customers of whom nobody has heard before as such, who became contacts, and says of each
/// whether it is such a one. Each pair is another one.
pub(crate) async fn add_each(
    txn: &Txn,
    corp: CorpId,
    pairs: &[(&WecomUserId, &ExternalUserId, Claim)],
) -> Result<Vec<bool>, DbErr> {
    let people = sql::padded(pairs.iter().map(|(_, person, _)| person.as_str()));
    let known = Entity::find()
        .select_only()
        .columns([Column::ExternalUserId, Column::UserKey])
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ExternalUserId.is_in(people));
    let known: HashSet<(String, String)> = known.into_tuple().all(txn).await?.into_iter().collect();
    let is_new = |(member, person, _): &&(&WecomUserId, &ExternalUserId, Claim)| {
        !known.contains(&(person.as_str().to_owned(), member.folded()))
    };
    let row = |(member, person, claim): &(&WecomUserId, &ExternalUserId, Claim)| ActiveModel {
        corp_id: Set(corp),
        external_user_id: Set(person.as_str().to_owned()),
        user_key: Set(member.folded()),
        ..row_of(Relation::unheard_of().added(*claim))
    };
    // Fails if another process has just added one.
    sql::insert_all(txn, pairs.iter().filter(is_new).map(row).collect(), Known::Refuse).await?;
    Ok(pairs.iter().map(|pair| is_new(&pair)).collect())
}

/// Returns the columns that a relation itself tells.
fn row_of(relation: Relation) -> ActiveModel {
    let parts = |claim: Option<Claim>| claim.map(|claim| (claim.occurred_at, claim.received_seq)).unzip();
    let (added_at, added_seq) = parts(relation.added);
    let (removed_at, removed_seq) = parts(relation.removed);
    ActiveModel {
        number: Set(relation.number),
        added_at: Set(added_at),
        added_seq: Set(added_seq),
        removed_at: Set(removed_at),
        removed_seq: Set(removed_seq),
        ..<ActiveModel as Default>::default()
    }
}

/// Returns what is known of a relation.
pub(crate) async fn find(
    txn: &Txn,
    corp: CorpId,
    member: &WecomUserId,
    person: &ExternalUserId,
) -> Result<Option<Relation>, DbErr> {
    let row = Entity::find_by_id((corp, person.as_str().to_owned(), member.folded())).one(txn).await?;
    Ok(row.as_ref().map(relation_of))
}

fn relation_of(row: &Model) -> Relation {
    let claim = |at: Option<Timestamp>, seq: Option<i64>| {
        at.zip(seq).map(|(occurred_at, received_seq)| Claim { occurred_at, received_seq })
    };
    Relation {
        number: row.number,
        added: claim(row.added_at, row.added_seq),
        removed: claim(row.removed_at, row.removed_seq),
    }
}
