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

    /// Makes the leads of people who have none, all at once, and says of each contact whether it was that of one; the
    /// others are left as they are. Each contact is that of another person.
    pub(crate) async fn capture_new_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        contacts: &[(Contact, Cause)],
    ) -> Result<Vec<bool>, DbErr> {
        let now = txn.now();
        let lead = |(contact, _): &(Contact, Cause)| Lead::captured(LeadId::mint(now), corp, contact, now);
        let leads: Vec<Lead> = contacts.iter().map(lead).collect();
        let claims =
            contacts.iter().zip(&leads).map(|((contact, _), lead)| (Mark::of(&contact.person), lead.id));
        let are_new = store::mark::claim_each(txn, corp, claims.collect()).await?;
        let new: Vec<_> = contacts
            .iter()
            .zip(&leads)
            .zip(&are_new)
            .filter(|(_, is_new)| **is_new)
            .map(|(both, _)| both)
            .collect();
        store::lead::insert_all(txn, new.iter().map(|(_, lead)| *lead)).await?;
        let met: Vec<&Contact> = new.iter().map(|((contact, _), _)| contact).collect();
        let touched = store::touch::note_of_untouched(txn, corp, &met).await?;
        let states = met.iter().filter_map(|contact| contact.channel.as_deref());
        let channels = store::channel::known_states(txn, corp, states).await?;
        for (((contact, cause), lead), is_noted) in new.into_iter().zip(touched) {
            let is_of_channel = contact.channel.as_ref().is_some_and(|state| channels.contains(state));
            if is_noted && is_of_channel {
                self.count_add_in(txn, corp, contact, cause).await?;
            } else if !is_noted {
                self.note_touch_in(txn, corp, contact, cause).await?;
            }
            tracing::info!(lead.id = %lead.id, "A contact became lead {}", lead.id);
            tell(txn, lead, cause).await?;
        }
        Ok(are_new)
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
