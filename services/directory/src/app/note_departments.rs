//! A complete listing of departments replaces an older one.

use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::CorpId;
use scrm_proto::directory::v1::DepartmentChanged;
use sea_orm::DbErr;

use super::App;
use super::keep_calendars::ensure_one;
use crate::domain::department::{self, Department, Known};
use crate::domain::staff::Fact;
use crate::store;

impl App {
    /// Takes over all departments as they were at `fact`; those that are not listed are gone.
    pub(crate) async fn note_departments_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        listed: Vec<Department>,
        fact: Fact,
        cause: &Cause,
    ) -> Result<(), DbErr> {
        let newest = store::roster::lock(txn, corp).await?;
        ensure_one(txn, corp).await?;
        if newest.is_some_and(|newest| newest >= fact) {
            return Ok(());
        }
        store::roster::note_listing(txn, corp, fact).await?;
        let known = store::department::all(txn, corp).await?;
        for changed in department::changes(&known, listed) {
            store::department::put(txn, corp, &changed).await?;
            outbox::put(txn, corp, cause, &event_of(corp, &changed)).await?;
        }
        Ok(())
    }
}

fn event_of(corp: CorpId, known: &Known) -> DepartmentChanged {
    DepartmentChanged {
        corp_id: corp.to_string(),
        department_id: known.department.number.to_string(),
        version: known.version,
        name: known.department.name.clone(),
        parent_id: known.department.parent,
        removed: known.is_removed,
    }
}
