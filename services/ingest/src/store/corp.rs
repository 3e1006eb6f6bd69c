//! Enterprises.

use scrm_db::Txn;
use scrm_kernel::{CorpId, Timestamp, WecomCorpId};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};

use super::entity::corp::{ActiveModel, Column, Entity, Model};
use super::inconsistent;
use crate::domain::connection::Corp;

impl TryFrom<Model> for Corp {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let wecom_id = row.wecom_id.as_deref().map(WecomCorpId::parse).transpose();
        Ok(Self {
            id: row.id,
            wecom_id: wecom_id.map_err(|_| inconsistent("corp", "wecom_id", row.id))?,
            connected_at: row.connected_at,
        })
    }
}

/// Returns all enterprises, the first one first.
pub(crate) async fn all(connection: &impl ConnectionTrait) -> Result<Vec<Corp>, DbErr> {
    let rows =
        Entity::find().order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).all(connection).await?;
    rows.into_iter().map(Corp::try_from).collect()
}

/// Returns one enterprise.
pub(crate) async fn find(connection: &impl ConnectionTrait, corp: CorpId) -> Result<Option<Corp>, DbErr> {
    Entity::find_by_id(corp).one(connection).await?.map(Corp::try_from).transpose()
}

/// Adds an enterprise that is not connected yet.
pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    now: Timestamp,
) -> Result<(), DbErr> {
    let row =
        ActiveModel { id: Set(corp), wecom_id: Set(None), created_at: Set(now), connected_at: Set(None) };
    Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

/// Connects an enterprise that is not connected yet; `false` when it is.
pub(crate) async fn connect(
    connection: &impl ConnectionTrait,
    corp: CorpId,
    wecom_id: &WecomCorpId,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let updated = Entity::update_many()
        .col_expr(Column::WecomId, Expr::value(wecom_id.as_str()))
        .col_expr(Column::ConnectedAt, Expr::value(now))
        .filter(Column::Id.eq(corp))
        .filter(Column::WecomId.is_null())
        .exec(connection)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Returns the enterprise that is called so in WeCom; makes one that is connected now if there is none.
pub(crate) async fn of_wecom(txn: &Txn, wecom_id: &WecomCorpId) -> Result<CorpId, DbErr> {
    let now = txn.now();
    let row = ActiveModel {
        id: Set(CorpId::mint(now)),
        wecom_id: Set(Some(wecom_id.as_str().to_owned())),
        created_at: Set(now),
        connected_at: Set(Some(now)),
    };
    let known = OnConflict::column(Column::WecomId).do_nothing().to_owned();
    Entity::insert(row).on_conflict(known).exec_without_returning(txn).await?;
    let found = Entity::find().filter(Column::WecomId.eq(wecom_id.as_str())).one(txn).await?;
    found.map(|corp| corp.id).ok_or_else(|| inconsistent("corp", "wecom_id", wecom_id))
}
