//! All departments were read from WeCom.

use std::sync::Arc;

use async_trait::async_trait;
use scrm_db::{Cause, Txn};
use scrm_mq::{Failure, StateHandler};
use scrm_proto::Envelope;
use scrm_proto::wecom::v1::{self, DepartmentsRead};

use super::{fact_of, text_of};
use crate::app::App;
use crate::domain::department::Department;

pub(super) struct OnDepartmentsRead {
    pub(super) app: Arc<App>,
}

#[async_trait]
impl StateHandler<DepartmentsRead> for OnDepartmentsRead {
    async fn handle(&self, txn: &Txn, event: DepartmentsRead, envelope: &Envelope) -> Result<(), Failure> {
        let listed = event.departments.iter().map(department_of).collect();
        let cause = Cause::from(envelope);
        self.app.note_departments_in(txn, envelope.corp, listed, fact_of(envelope), &cause).await?;
        Ok(())
    }
}

fn department_of(department: &v1::Department) -> Department {
    Department {
        number: department.id,
        name: text_of(&department.name),
        parent: department.parent_id,
        rank: department.order,
        leaders: department.leader_user_ids.iter().map(|leader| text_of(leader)).collect(),
    }
}
