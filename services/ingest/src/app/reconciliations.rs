//! Comparisons with WeCom, as an administrator orders, watches and confirms them.

use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{Page, PageRequest, ReconciliationId};

use super::{App, Error};
use crate::domain::reconciliation::Reconciliation;
use crate::store;

impl App {
    /// Begins a comparison, or returns the one that is running.
    pub async fn begin_reconciliation(&self, actor: &Actor) -> Result<Reconciliation, Error> {
        let corp = actor.allow(Action::RunReconciliations)?;
        let txn = self.db.begin().await?;
        let found = store::corp::find(&txn, corp).await?.ok_or(Error::CorpNotFound)?;
        if found.wecom_id.is_none() {
            return Err(Error::NotConnected);
        }
        let now = txn.now();
        let new = Reconciliation::new(ReconciliationId::mint(now), corp, now);
        let is_new = store::reconciliation::insert(&txn, &new).await?;
        txn.commit().await?;
        if is_new {
            return Ok(new);
        }
        // It was running when the row of the new one met it; by now it may be over, and is as good.
        let newest = store::reconciliation::newest(self.db.reader(), corp).await?;
        newest.ok_or(Error::ReconciliationNotFound(new.id))
    }

    /// Returns a comparison of an enterprise.
    pub async fn reconciliation(&self, actor: &Actor, id: ReconciliationId) -> Result<Reconciliation, Error> {
        let corp = actor.allow(Action::ReadReconciliations)?;
        let found = store::reconciliation::find(self.db.reader(), corp, id).await?;
        found.ok_or(Error::ReconciliationNotFound(id))
    }

    /// Lists the comparisons of an enterprise, newest first.
    pub async fn reconciliations(
        &self,
        actor: &Actor,
        page: &PageRequest,
    ) -> Result<Page<Reconciliation>, Error> {
        let corp = actor.allow(Action::ReadReconciliations)?;
        let before = page.cursor.as_ref().map(scrm_kernel::Cursor::key).transpose()?;
        Ok(store::reconciliation::list(self.db.reader(), corp, page, before).await?)
    }

    /// Lets the newest comparison, which ended with an alarm, mark what is gone.
    pub async fn confirm_reconciliation(
        &self,
        actor: &Actor,
        id: ReconciliationId,
    ) -> Result<Reconciliation, Error> {
        let corp = actor.allow(Action::RunReconciliations)?;
        let txn = self.db.begin().await?;
        let newest = store::reconciliation::newest(&txn, corp).await?;
        if newest.as_ref().map(|newest| newest.id) != Some(id) {
            let found = store::reconciliation::find(&txn, corp, id).await?;
            return Err(found.map_or(Error::ReconciliationNotFound(id), |_| Error::NothingToConfirm(id)));
        }
        if !store::reconciliation::confirm(&txn, corp, id).await? {
            return Err(Error::NothingToConfirm(id));
        }
        txn.commit().await?;
        tracing::info!(reconciliation.id = %id, "A person confirmed that many relations are gone");
        let found = store::reconciliation::find(self.db.reader(), corp, id).await?;
        found.ok_or(Error::ReconciliationNotFound(id))
    }
}
