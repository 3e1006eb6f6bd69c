//! A person became somebody's contact: that makes a lead, or belongs to one.

use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::{CorpId, LeadId};
use scrm_proto::leads::v1::LeadAssigned;
use sea_orm::DbErr;

use super::App;
use crate::domain::lead::{Contact, Contested, Lead};
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
        // The lead first: its row is locked from here on, so the person's touches are noted one after the other.
        if store::lead::insert(txn, &lead).await? {
            self.note_touch_in(txn, corp, contact, cause).await?;
            tracing::info!(lead.id = %lead.id, "A contact became lead {}", lead.id);
            return tell(txn, &lead, cause).await;
        }

        let Some(open) = store::lead::lock_open(txn, corp, &contact.person).await? else {
            // Closed between the two statements: the next attempt makes a new one.
            return Err(DbErr::RecordNotFound(format!("open lead in the way of {}", lead.id)));
        };
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

async fn tell(txn: &Txn, lead: &Lead, cause: &Cause) -> Result<(), DbErr> {
    let event = LeadAssigned {
        corp_id: lead.corp.to_string(),
        lead_id: lead.id.to_string(),
        external_user_id: lead.person.as_str().to_owned(),
        owner_user_id: lead.owner.user.as_str().to_owned(),
        reason: lead.reason.code().to_owned(),
        channel: lead.channel.clone().unwrap_or_default(),
    };
    outbox::put(txn, lead.corp, cause, &event).await?;
    Ok(())
}
