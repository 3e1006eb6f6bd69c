//! A person became somebody's contact: that makes a lead, or belongs to one.

use scrm_db::{Cause, Txn};
use scrm_kernel::{CorpId, LeadId};
use sea_orm::DbErr;

use super::App;
use super::assign_lead::tell;
use crate::domain::lead::{Contact, Contested, Lead};
use crate::domain::submission::Mark;
use crate::store;

impl App {
    /// Notes the contact; makes the person's lead, or lets the earlier claim on it win.
    pub(crate) async fn capture_contact_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        contact: &Contact,
        cause: &Cause,
    ) -> Result<(), DbErr> {
        let now = txn.now();
        let lead = Lead::captured(LeadId::mint(now), corp, contact, now);
        // The person first: locked from here on, so their touches are noted one after the other.
        let marks = [Mark::of(&contact.person)];
        let holder =
            store::mark::claim(txn, corp, &marks, lead.id).await?.first().copied().unwrap_or(lead.id);
        if holder == lead.id {
            store::lead::insert(txn, &lead).await?;
            self.note_touch_in(txn, corp, contact, cause).await?;
            tracing::info!(lead.id = %lead.id, "A contact became lead {}", lead.id);
            return tell(txn, &lead, cause).await;
        }

        let open = store::lead::lock(txn, corp, holder).await?;
        let open = open.ok_or_else(|| DbErr::RecordNotFound(format!("open lead {holder}")))?;
        self.note_touch_in(txn, corp, contact, cause).await?;
        match open.contested(contact, now) {
            Contested::Unchanged => Ok(()),
            Contested::Earlier(lead) => store::lead::save(txn, &lead).await,
            Contested::Moved(lead) => {
                store::lead::save(txn, &lead).await?;
                tracing::info!(lead.id = %lead.id, "An earlier contact owns lead {}", lead.id);
                tell(txn, &lead, cause).await
            }
        }
    }

    /// Notes the touch, and counts it for its channel when it is a new one.
    async fn note_touch_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        contact: &Contact,
        cause: &Cause,
    ) -> Result<(), DbErr> {
        if store::touch::note(txn, corp, contact).await? {
            self.count_add_in(txn, corp, contact, cause).await?;
        }
        Ok(())
    }
}
