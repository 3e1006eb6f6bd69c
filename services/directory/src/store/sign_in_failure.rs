//! Who failed to sign in, and how often: rows, because no limit may depend on a cache.

use scrm_db::Txn;
use scrm_kernel::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::entity::sign_in_failure::{ActiveModel, Column, Entity};
use crate::domain::back_off::Failures;

/// Locks what one side failed so far. Two sides are locked in the order of their names.
pub(crate) async fn lock(txn: &Txn, side: &str) -> Result<Option<Failures>, DbErr> {
    // Of many first tries at once, each waits for the one before too.
    let none = ActiveModel {
        side: Set(side.to_owned()),
        count: Set(0),
        since: Set(txn.now()),
        blocked_until: Set(None),
    };
    Entity::insert(none)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    let row = Entity::find_by_id(side.to_owned()).lock_exclusive().one(txn).await?;
    Ok(row.map(|row| Failures { count: row.count, since: row.since, blocked_until: row.blocked_until }))
}

/// Writes what a side failed.
pub(crate) async fn put(txn: &Txn, side: &str, failures: Failures) -> Result<(), DbErr> {
    let row = ActiveModel {
        side: Set(side.to_owned()),
        count: Set(failures.count),
        since: Set(failures.since),
        blocked_until: Set(failures.blocked_until),
    };
    let replace = OnConflict::column(Column::Side)
        .update_columns([Column::Count, Column::Since, Column::BlockedUntil])
        .to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(txn).await?;
    Ok(())
}

/// Forgets what a side failed.
pub(crate) async fn forget(txn: &Txn, side: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Side.eq(side)).exec(txn).await?;
    Ok(())
}

/// Forgets what failed before a moment.
pub(crate) async fn forget_before(txn: &Txn, moment: Timestamp) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Since.lt(moment)).exec(txn).await?;
    Ok(())
}
