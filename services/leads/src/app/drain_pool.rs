//! Giving out what waits in the pool, as soon as somebody can take it.

use scrm_db::Cause;
use scrm_kernel::CorpId;

use super::assign_lead::{next_of, tell};
use super::{App, Error};
use crate::domain::lead::Stage;
use crate::store;

impl App {
    /// Gives out the leads that wait, group by group, oldest first; returns how many found an owner.
    pub async fn drain_pool(&self) -> Result<u64, Error> {
        let mut given = 0;
        for (corp, group) in store::pool::groups(self.db.reader()).await? {
            given += self.drain_group(corp, &group).await?;
        }
        Ok(given)
    }

    /// Gives out the leads that wait for a group, oldest first.
    pub(crate) async fn drain_group(&self, corp: CorpId, group: &str) -> Result<u64, Error> {
        let mut given = 0;
        while self.give_first(corp, group).await? {
            given += 1;
        }
        if given > 0 {
            tracing::info!(given, "Gave out {given} leads that waited in the pool");
        }
        Ok(given)
    }

    /// Gives out the lead that has waited longest; `false` when none waits or nobody can take it.
    async fn give_first(&self, corp: CorpId, name: &str) -> Result<bool, Error> {
        let txn = self.db.begin().await?;
        let Some(group) = store::routing::lock(&txn, corp, name).await? else { return Ok(false) };
        let Some(mut lead) = store::pool::first(&txn, corp, name).await? else { return Ok(false) };
        let found = next_of(&txn, corp, Some(group), name).await?;
        let Some(owner) = found.owner else { return Ok(false) };
        lead.stage = Stage::Assigned { owner, at: txn.now() };
        lead.reason = found.reason;
        if !store::pool::take(&txn, &lead).await? {
            // A contact was quicker: nothing of this happened, and the next one is tried.
            return Ok(true);
        }
        let cause = Cause {
            received_at: Some(lead.received_at),
            received_seq: Some(lead.claim.received_seq),
            ..Cause::here(txn.now())
        };
        tell(&txn, &lead, &cause).await?;
        txn.commit().await?;
        Ok(true)
    }
}
