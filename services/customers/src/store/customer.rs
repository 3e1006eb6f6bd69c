//! Customers.

use std::collections::HashSet;

use scrm_db::Txn;
use scrm_db::sql::{self, Known};
use scrm_kernel::{CorpId, CustomerId, ExternalUserId};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::customer::{Column, Entity, Model};
use super::{fact_of, inconsistent, parts_of, relation};
use crate::domain::customer::{Customer, Gender, Kind, Profile};

fn row_of(customer: &Customer) -> Model {
    let profile = customer.profile.clone();
    let (profile_at, profile_seq) = parts_of(customer.profiled);
    let (read_at, read_seq) = parts_of(customer.read);
    Model {
        id: customer.id,
        corp_id: customer.corp,
        external_user_id: customer.person.as_str().to_owned(),
        name_key: profile.name.to_lowercase(),
        name: profile.name,
        kind: profile.kind.as_str().to_owned(),
        gender: profile.gender.as_str().to_owned(),
        avatar: profile.avatar,
        unionid: profile.unionid,
        corp_name: profile.corp_name,
        position: profile.position,
        profile_at,
        profile_seq,
        read_at,
        read_seq,
        is_gone: customer.is_gone,
        version: customer.version,
        created_at: customer.created_at,
        updated_at: customer.updated_at,
    }
}

impl TryFrom<Model> for Customer {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let bad = |column: &str| inconsistent("customer", column, row.id);
        let person = ExternalUserId::parse(&row.external_user_id).map_err(|_| bad("external_user_id"))?;
        let profile = Profile {
            kind: Kind::parse(&row.kind).ok_or_else(|| bad("kind"))?,
            gender: Gender::parse(&row.gender).ok_or_else(|| bad("gender"))?,
            name: row.name,
            avatar: row.avatar,
            unionid: row.unionid,
            corp_name: row.corp_name,
            position: row.position,
        };
        Ok(Self {
            id: row.id,
            corp: row.corp_id,
            person,
            profile,
            profiled: fact_of(row.profile_at, row.profile_seq),
            read: fact_of(row.read_at, row.read_seq),
            is_gone: row.is_gone,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Adds customers, and says of each whether there was none of that id in WeCom.
pub(crate) async fn add_each(txn: &Txn, customers: &[&Customer]) -> Result<Vec<bool>, DbErr> {
    // In one order: two who add the same people wait for each other instead of for ever.
    let mut rows: Vec<Model> = customers.iter().map(|customer| row_of(customer)).collect();
    rows.sort_unstable_by(|one, other| one.external_user_id.cmp(&other.external_user_id));
    let rows = rows.into_iter().map(Model::into_active_model).collect();
    let inserted = sql::insert_all(txn, rows, Known::Skip).await?;
    if usize::try_from(inserted).is_ok_and(|inserted| inserted == customers.len()) {
        return Ok(vec![true; customers.len()]);
    }
    let ids = sql::padded(customers.iter().map(|customer| customer.id));
    let added = Entity::find().select_only().column(Column::Id).filter(Column::Id.is_in(ids));
    let added: HashSet<CustomerId> = added.into_tuple().all(txn).await?.into_iter().collect();
    Ok(customers.iter().map(|customer| added.contains(&customer.id)).collect())
}

/// Returns those customers who are known, of some ids in WeCom, and keeps their rows locked until the transaction ends.
pub(crate) async fn lock_people(
    txn: &Txn,
    corp: CorpId,
    people: impl IntoIterator<Item = &ExternalUserId>,
) -> Result<Vec<Customer>, DbErr> {
    let people = sql::padded(people.into_iter().map(ExternalUserId::as_str));
    let rows = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ExternalUserId.is_in(people))
        .order_by_asc(Column::ExternalUserId)
        .lock_exclusive()
        .all(txn)
        .await?;
    rows.into_iter().map(Customer::try_from).collect()
}

/// Returns a customer and keeps the row locked until the transaction ends.
pub(crate) async fn lock(txn: &Txn, corp: CorpId, id: CustomerId) -> Result<Option<Customer>, DbErr> {
    let row = Entity::find_by_id(id).filter(Column::CorpId.eq(corp)).lock_exclusive().one(txn).await?;
    row.map(Customer::try_from).transpose()
}

/// Writes locked customers.
pub(crate) async fn save_all(txn: &Txn, customers: &[&Customer]) -> Result<(), DbErr> {
    let rows = customers.iter().map(|customer| row_of(customer).into_active_model()).collect();
    sql::insert_all(txn, rows, Known::Replace).await.map(drop)
}

/// Locks the customers whom a member has, or had, as contacts, and counts that they look different from now on.
pub(crate) async fn touch_those_of(txn: &Txn, corp: CorpId, user_key: &str) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(txn.now()))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Id.in_subquery(relation::customers_of(corp, user_key)))
        .exec(txn)
        .await
        .map(drop)
}
