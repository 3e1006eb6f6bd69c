//! Members' places in departments.

use std::collections::BTreeSet;

use scrm_db::Txn;
use scrm_kernel::{CorpId, StaffId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _};

use super::entity::staff_department::{ActiveModel, Column, Entity};

/// Keeps to which departments a member belongs. Whoever calls it holds a lock on the member, and has seen that nothing
/// newer was told.
pub async fn note_places(
    txn: &Txn,
    corp: CorpId,
    staff: StaffId,
    departments: impl IntoIterator<Item = i64>,
) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::CorpId.eq(corp)).filter(Column::StaffId.eq(staff)).exec(txn).await?;
    let departments: BTreeSet<i64> = departments.into_iter().collect();
    if departments.is_empty() {
        return Ok(());
    }
    let place = |department: i64| ActiveModel {
        corp_id: Set(corp),
        staff_id: Set(staff),
        department_id: Set(department),
    };
    Entity::insert_many(departments.into_iter().map(place)).exec_without_returning(txn).await?;
    Ok(())
}
