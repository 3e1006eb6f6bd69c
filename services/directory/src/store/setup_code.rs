//! The one-time codes with which enterprises are set up.

use scrm_db::Txn;
use scrm_kernel::CorpId;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _};

use super::entity::setup_code::{ActiveModel, Column, Entity};

/// Wrong tries after which a code is void.
const MOST_WRONG: i64 = 10;

/// Replaces the code of an enterprise, unless it was used.
pub(crate) async fn replace(txn: &Txn, corp: CorpId, hash: Vec<u8>) -> Result<(), DbErr> {
    let row = ActiveModel {
        corp_id: Set(corp),
        code_hash: Set(hash),
        made_at: Set(txn.now()),
        wrong_tries: Set(0),
        used_at: Set(None),
    };
    let newer = OnConflict::column(Column::CorpId)
        .update_columns([Column::CodeHash, Column::MadeAt, Column::WrongTries])
        .action_and_where(Expr::col((Entity, Column::UsedAt)).is_null())
        .to_owned();
    Entity::insert(row).on_conflict(newer).exec_without_returning(txn).await?;
    Ok(())
}

/// Uses a code; returns for which enterprise, or nothing if it is no code that may be used.
pub(crate) async fn take(txn: &Txn, hash: Vec<u8>) -> Result<Option<CorpId>, DbErr> {
    let Some(row) = Entity::find().filter(Column::CodeHash.eq(hash)).one(txn).await? else {
        return Ok(None);
    };
    let used = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(txn.now()))
        .filter(Column::CorpId.eq(row.corp_id))
        .filter(Column::CodeHash.eq(row.code_hash))
        .filter(Column::UsedAt.is_null())
        .filter(Column::WrongTries.lt(MOST_WRONG))
        .exec(txn)
        .await?;
    Ok((used.rows_affected == 1).then_some(row.corp_id))
}

/// Counts a wrong try against every code that waits; reports whether any waits.
pub(crate) async fn note_wrong(txn: &Txn) -> Result<bool, DbErr> {
    let counted = Entity::update_many()
        .col_expr(Column::WrongTries, Expr::col(Column::WrongTries).add(1))
        .filter(Column::UsedAt.is_null())
        .filter(Column::WrongTries.lt(MOST_WRONG))
        .exec(txn)
        .await?;
    Ok(counted.rows_affected > 0)
}
