//! Relations between members and customers. Whoever writes them holds the customer locked.

use scrm_db::Txn;
use scrm_db::sql::{self, Known};
use scrm_kernel::{CorpId, CustomerId, RelationId, WecomUserId};
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use super::entity::relation::{Column, Entity, Model};
use super::{fact_of, inconsistent, parts_of};
use crate::domain::record::{Notes, Relation};
use crate::domain::standing::{End, RemovedBy, Standing};
use crate::domain::tag_sync::{State, TagSync};

fn row_of(corp: CorpId, relation: &Relation) -> Model {
    let (standing, notes, sync) = (&relation.standing, relation.notes.clone(), relation.sync.clone());
    let (added_at, added_seq) = parts_of(standing.added);
    let (removed_at, removed_seq) = parts_of(standing.removed.map(|(fact, _)| fact));
    let (listed_at, listed_seq) = parts_of(standing.listed);
    Model {
        id: relation.id,
        corp_id: corp,
        customer_id: relation.customer,
        user_key: relation.user.folded(),
        user_id: relation.user.as_str().to_owned(),
        added_at,
        added_seq,
        removed_at,
        removed_seq,
        removed_by: standing.removed.map(|(_, by)| by.as_str().to_owned()),
        listed_at,
        listed_seq,
        met_at: standing.met_at,
        remark_key: notes.remark.to_lowercase(),
        remark: notes.remark,
        add_way: notes.add_way,
        channel: notes.channel,
        is_present: relation.is_present(),
        version: relation.version,
        sync_state: sync.state.as_str().to_owned(),
        attempt: sync.attempt,
        lease_until: sync.lease_until,
        problem: sync.problem,
        created_at: relation.created_at,
    }
}

impl TryFrom<Model> for Relation {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let bad = |column: &str| inconsistent("relation", column, row.id);
        let removed = fact_of(row.removed_at, row.removed_seq);
        let by = match row.removed_by.as_deref() {
            Some(by) => RemovedBy::parse(by).ok_or_else(|| bad("removed_by"))?,
            None => RemovedBy::Unknown,
        };
        let standing = Standing {
            added: fact_of(row.added_at, row.added_seq),
            removed: removed.map(|fact| (fact, by)),
            listed: fact_of(row.listed_at, row.listed_seq),
            met_at: row.met_at,
        };
        // Whether it has ended also depends on the customer's newest reading, so it is kept; how, follows.
        let unknown = End { by: RemovedBy::Unknown, at: None };
        let end = (!row.is_present).then(|| standing.end(None).unwrap_or(unknown));
        Ok(Self {
            id: row.id,
            customer: row.customer_id,
            user: WecomUserId::parse(&row.user_id).map_err(|_| bad("user_id"))?,
            standing,
            notes: Notes { remark: row.remark, add_way: row.add_way, channel: row.channel },
            end,
            version: row.version,
            sync: TagSync {
                state: State::parse(&row.sync_state).ok_or_else(|| bad("sync_state"))?,
                attempt: row.attempt,
                lease_until: row.lease_until,
                problem: row.problem,
            },
            created_at: row.created_at,
        })
    }
}

/// Returns the relations of some customers, in the order they were heard of.
pub(crate) async fn of_customers(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    customers: impl IntoIterator<Item = CustomerId>,
) -> Result<Vec<Relation>, DbErr> {
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::CustomerId.is_in(sql::padded(customers)))
        .order_by_asc(Column::Id)
        .all(connection)
        .await?;
    rows.into_iter().map(Relation::try_from).collect()
}

/// Returns the customers who have relations under a former id of a member and under the present one.
pub(crate) async fn customers_of_both(
    txn: &Txn,
    corp: CorpId,
    former: &str,
    present: &WecomUserId,
) -> Result<Vec<CustomerId>, DbErr> {
    let under_present = Column::CustomerId.in_subquery(customers_of(corp, &present.folded()));
    Entity::find()
        .select_only()
        .column(Column::CustomerId)
        .filter(Column::CorpId.eq(corp))
        .filter(Column::UserKey.eq(former))
        .filter(under_present)
        .order_by_asc(Column::CustomerId)
        .into_tuple()
        .all(txn)
        .await
}

/// Selects the customers whom a member has, or had, as contacts.
pub(super) fn customers_of(corp: CorpId, user_key: &str) -> SelectStatement {
    Query::select()
        .column(Column::CustomerId)
        .from(Entity)
        .and_where(Column::CorpId.eq(corp))
        .and_where(Column::UserKey.eq(user_key))
        .to_owned()
}

/// Gives the relations under a former id to the present one, under which those customers have none.
pub(crate) async fn rename(
    txn: &Txn,
    corp: CorpId,
    former: &str,
    present: &WecomUserId,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::UserKey, Expr::value(present.folded()))
        .col_expr(Column::UserId, Expr::value(present.as_str()))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::UserKey.eq(former))
        .exec(txn)
        .await
        .map(drop)
}

/// Forgets a relation.
pub(crate) async fn remove(txn: &Txn, corp: CorpId, id: RelationId) -> Result<(), DbErr> {
    Entity::delete_by_id(id).filter(Column::CorpId.eq(corp)).exec(txn).await.map(drop)
}

/// Writes relations, new or known.
pub(crate) async fn save_all(txn: &Txn, corp: CorpId, relations: &[&Relation]) -> Result<(), DbErr> {
    let rows = relations.iter().map(|relation| row_of(corp, relation).into_active_model()).collect();
    sql::insert_all(txn, rows, Known::Replace).await.map(drop)
}
