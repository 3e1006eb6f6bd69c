//! Departments, and which lies below which.

use async_trait::async_trait;
use scrm_db::Txn;
use scrm_mq::{Failure, StateHandler};
use scrm_proto::{Envelope, directory::v1::DepartmentChanged};
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};

use super::entity::department::{ActiveModel, Column, Entity};

/// Keeps where a department lies; an older version changes nothing.
pub struct OnDepartmentChanged;

#[async_trait]
impl StateHandler<DepartmentChanged> for OnDepartmentChanged {
    async fn handle(&self, txn: &Txn, event: DepartmentChanged, envelope: &Envelope) -> Result<(), Failure> {
        let number = event.department_id.parse();
        let number =
            number.map_err(|error| Failure::Reject(format!("department_id is no number: {error}")))?;
        let row = ActiveModel {
            corp_id: Set(envelope.corp),
            number: Set(number),
            version: Set(event.version),
            parent_id: Set(event.parent_id),
            is_removed: Set(event.removed),
        };
        let newer = OnConflict::columns([Column::CorpId, Column::Number])
            .update_columns([Column::Version, Column::ParentId, Column::IsRemoved])
            .action_and_where(Expr::col((Entity, Column::Version)).lt(event.version))
            .to_owned();
        Entity::insert(row).on_conflict(newer).exec_without_returning(txn).await?;
        Ok(())
    }
}
