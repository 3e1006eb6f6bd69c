//! Who is signed in. A refresh token names its session and no enterprise.

use scrm_db::Txn;
use scrm_kernel::{AccountId, CorpId, SessionId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};

use super::entity::session::{ActiveModel, Column, Entity, Model};
use crate::domain::session::{End, Session};

/// From where somebody signs in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Device {
    /// What the browser says of itself.
    pub(crate) user_agent: String,
    /// Its address.
    pub(crate) address: String,
}

fn session_of(row: Model) -> Session {
    Session {
        id: row.id,
        corp: row.corp_id,
        account: row.account_id,
        token_hash: row.token_hash,
        created_at: row.created_at,
        refreshed_at: row.refreshed_at,
        ended_at: row.ended_at,
    }
}

/// Adds a session.
pub(crate) async fn insert(txn: &Txn, session: Session, device: Device) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(session.id),
        corp_id: Set(session.corp),
        account_id: Set(session.account),
        token_hash: Set(session.token_hash),
        created_at: Set(session.created_at),
        refreshed_at: Set(session.refreshed_at),
        ended_at: Set(None),
        ended_by: Set(None),
        user_agent: Set(device.user_agent),
        address: Set(device.address),
    };
    Entity::insert(row).exec_without_returning(txn).await?;
    Ok(())
}

/// Forgets the sessions of an account that were not used since a moment.
pub(crate) async fn forget(
    txn: &Txn,
    corp: CorpId,
    account: AccountId,
    since: Timestamp,
) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::CorpId.eq(corp))
        .filter(Column::AccountId.eq(account))
        .filter(Column::RefreshedAt.lt(since))
        .exec(txn)
        .await?;
    Ok(())
}

/// Locks the session that a refresh token names.
pub(crate) async fn lock(txn: &Txn, id: SessionId) -> Result<Option<Session>, DbErr> {
    Ok(Entity::find_by_id(id).lock_exclusive().one(txn).await?.map(session_of))
}

/// Renews the token of a locked session.
pub(crate) async fn renew(
    txn: &Txn,
    corp: CorpId,
    id: SessionId,
    token_hash: Vec<u8>,
    at: Timestamp,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::TokenHash, Expr::value(token_hash))
        .col_expr(Column::RefreshedAt, Expr::value(at))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Id.eq(id))
        .exec(txn)
        .await?;
    Ok(())
}

/// Ends a session, unless it has ended.
pub(crate) async fn end(txn: &Txn, corp: CorpId, id: SessionId, by: End) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(txn.now()))
        .col_expr(Column::EndedBy, Expr::value(by.as_str()))
        .filter(Column::CorpId.eq(corp))
        .filter(Column::Id.eq(id))
        .filter(Column::EndedAt.is_null())
        .exec(txn)
        .await?;
    Ok(())
}

/// Ends all sessions of an account; returns those that had not ended.
pub(crate) async fn end_all(
    txn: &Txn,
    corp: CorpId,
    account: AccountId,
    by: End,
) -> Result<Vec<SessionId>, DbErr> {
    let open: Vec<SessionId> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::CorpId.eq(corp))
        .filter(Column::AccountId.eq(account))
        .filter(Column::EndedAt.is_null())
        .into_tuple()
        .all(txn)
        .await?;
    for id in &open {
        end(txn, corp, *id, by).await?;
    }
    Ok(open)
}

/// Returns the sessions of all enterprises that ended since a moment.
pub(crate) async fn ended_since(
    connection: &impl ConnectionTrait,
    moment: Timestamp,
) -> Result<Vec<SessionId>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::EndedAt.gte(moment))
        .into_tuple()
        .all(connection)
        .await
}
