//! 线索池: leads that nobody owns yet.

use scrm_db::{Txn, sql};
use scrm_kernel::{CorpId, LeadId};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::lead::{Column, Entity};
use crate::domain::lead::{Lead, Stage};

fn is_pooled() -> Expr {
    sql::has(Column::Stage, Stage::Pool.as_str())
}

/// Returns the groups that leads wait for, of all corps.
pub(crate) async fn groups(connection: &impl ConnectionTrait) -> Result<Vec<(CorpId, String)>, DbErr> {
    Entity::find()
        .select_only()
        .columns([Column::CorpId, Column::RoutingGroup])
        .filter(is_pooled())
        .filter(Column::RoutingGroup.is_not_null())
        .distinct()
        .into_tuple()
        .all(connection)
        .await
}

/// Returns the lead that has waited longest for a group.
pub(crate) async fn first(txn: &Txn, corp: CorpId, group: &str) -> Result<Option<Lead>, DbErr> {
    let row = Entity::find()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::RoutingGroup.eq(group))
        .filter(is_pooled())
        .order_by_asc(Column::Id)
        .one(txn)
        .await?;
    row.map(Lead::try_from).transpose()
}

/// Writes stage, reason and group of a lead that was in the pool, one version further; `false` when it is no more.
pub(crate) async fn take(txn: &Txn, lead: &Lead) -> Result<bool, DbErr> {
    let (user, at) = match &lead.stage {
        Stage::Pool => (None, None),
        Stage::Assigned { owner, at } => (Some(owner), Some(*at)),
    };
    let group = lead.origin.as_ref().map(|origin| origin.group.clone());
    let updated = Entity::update_many()
        .col_expr(Column::Stage, Expr::value(lead.stage.as_str()))
        .col_expr(Column::OwnerUserId, Expr::value(user.map(|user| user.as_str().to_owned())))
        .col_expr(Column::OwnerKey, Expr::value(user.map(scrm_kernel::WecomUserId::folded)))
        .col_expr(Column::AssignedAt, Expr::value(at))
        .col_expr(Column::ReasonCode, Expr::value(lead.reason.code.as_str()))
        .col_expr(Column::ReasonText, Expr::value(lead.reason.text.clone()))
        .col_expr(Column::RoutingGroup, Expr::value(group))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::CorpId.eq(lead.corp))
        .filter(Column::Id.eq(lead.id))
        .filter(is_pooled())
        .exec(txn)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Returns the lead as it is now.
pub(crate) async fn read_again(txn: &Txn, corp: CorpId, id: LeadId) -> Result<Option<Lead>, DbErr> {
    let row = Entity::find_by_id(id)
        .filter(Column::CorpId.eq(corp))
        .filter(Column::ClosedAt.is_null())
        .one(txn)
        .await?;
    row.map(Lead::try_from).transpose()
}
