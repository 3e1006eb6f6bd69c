//! Giving a lead to somebody else, or out of the pool, because a person says so.

use scrm_db::idempotency::{self, Answer, Begun};
use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::access::{Action, Actor};
use scrm_kernel::{CorpId, ExternalUserId, KeyRing, LeadId, Scope, TransferId, WecomUserId};
use scrm_proto::leads::v1::TransferRequested;
use sea_orm::DbErr;

use super::assign_lead::tell;
use super::know_staff::unless_away;
use super::set_channel::Repeatable;
use super::{App, Error, LeadView};
use crate::domain::lead::Lead;
use crate::domain::reason::Explanation;
use crate::domain::relation::Relation;
use crate::domain::transfer::{Message, Progress, Transfer};
use crate::store;

/// What a person decides about a lead.
#[derive(Debug, Clone)]
pub struct Reassignment {
    /// Which lead.
    pub lead: LeadId,
    /// In which version it was looked at.
    pub version: i64,
    /// Who shall have it.
    pub to: WecomUserId,
    /// Why, in the person's words.
    pub explanation: Option<Explanation>,
    /// Whether the customer goes along in WeCom.
    pub handing: Handing,
    /// What WeCom tells the customer; its own words when there is none.
    pub message: Option<Message>,
    /// Who decides.
    pub by: String,
}

/// Whether WeCom is asked to hand the customer of a lead over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handing {
    /// If the former owner has them as contact.
    WherePossible,
    /// Without it the lead stays where it is.
    Demanded,
    /// No.
    Unwanted,
}

/// What came of a decision.
pub enum Reassigned {
    /// It was carried out.
    Now(Box<LeadView>),
    /// It had been before: this is what was answered.
    Before(Answer),
}

impl App {
    /// Gives a lead to another member at once, and asks WeCom to hand the customer over.
    pub async fn reassign_lead(
        &self,
        actor: &Actor,
        wanted: Reassignment,
        repeatable: Option<Repeatable<'_>>,
        render: impl FnOnce(&LeadView) -> Answer + Send,
    ) -> Result<Reassigned, Error> {
        let scope = &actor.scope(Action::ReassignLeads)?;
        let id = wanted.lead;
        let txn = self.db.begin().await?;
        let claim = match repeatable {
            None => None,
            Some(Repeatable { scope: asker, key, hash }) => {
                match idempotency::begin_or_replay(&txn, scope.corp, asker, key, hash).await? {
                    Begun::Fresh(claim) => Some(claim),
                    Begun::Replay(answer) => return Ok(Reassigned::Before(answer)),
                    Begun::Conflict => return Err(Error::KeyReused),
                }
            }
        };
        self.reassign_in(&txn, scope, wanted).await?;
        let view = self.lead_in(&txn, scope, id).await?;
        if let Some(claim) = claim {
            claim.record(&txn, render(&view)).await?;
        }
        txn.commit().await?;
        tracing::info!(lead.id = %id, lead.version = view.lead.version, "Lead {id} was given to somebody else");
        Ok(Reassigned::Now(Box::new(view)))
    }

    async fn reassign_in(&self, txn: &Txn, scope: &Scope, wanted: Reassignment) -> Result<(), Error> {
        let (now, id) = (txn.now(), wanted.lead);
        store::lead::find(txn, scope, id).await?.ok_or(Error::LeadNotFound(id))?;
        let before = store::lead::lock(txn, scope.corp, id).await?.ok_or(Error::LeadNotFound(id))?;
        if before.version != wanted.version {
            return Err(Error::LeadChanged(before.version));
        }
        if store::transfer::is_open(txn, scope.corp, id).await? {
            return Err(Error::TransferRunning(id));
        }
        let to = unless_away(txn, scope.corp, wanted.to).await?;
        let lead = before.clone().reassigned(to.clone(), &wanted.by, wanted.explanation.as_ref(), now)?;
        store::lead::save(txn, &lead).await?;
        tell(txn, &lead, &Cause::here(now)).await?;

        let Some((from, person)) = giver(txn, &before, wanted.handing).await? else { return Ok(()) };
        let transfer = Transfer {
            id: TransferId::mint(now),
            corp: scope.corp,
            lead: id,
            person,
            from,
            to,
            requested_by: wanted.by,
            message: wanted.message,
            progress: Progress::wanted(now),
        };
        request(txn, &self.keys, &transfer).await
    }

    /// Returns the transfers of a lead, newest first.
    pub async fn transfers(&self, actor: &Actor, lead: LeadId) -> Result<Vec<Transfer>, Error> {
        let scope = &actor.scope(Action::ReadLeads)?;
        store::lead::find(self.db.reader(), scope, lead).await?.ok_or(Error::LeadNotFound(lead))?;
        Ok(store::transfer::of_lead(self.db.reader(), &self.keys, scope.corp, lead).await?)
    }
}

/// Returns who is to hand which customer over; none when there is nothing to hand over.
async fn giver(
    txn: &Txn,
    lead: &Lead,
    handing: Handing,
) -> Result<Option<(WecomUserId, ExternalUserId)>, Error> {
    if handing == Handing::Unwanted {
        return Ok(None);
    }
    if let (Some(owner), Some(person)) = (lead.owner(), &lead.person)
        && is_contact(txn, lead.corp, owner, person).await?
    {
        return Ok(Some((owner.clone(), person.clone())));
    }
    match handing {
        Handing::Demanded => Err(Error::NothingToTransfer(lead.id)),
        Handing::WherePossible | Handing::Unwanted => Ok(None),
    }
}

/// Reports whether a customer is a contact of a member, as far as WeCom has told.
async fn is_contact(
    txn: &Txn,
    corp: CorpId,
    member: &WecomUserId,
    person: &ExternalUserId,
) -> Result<bool, DbErr> {
    let touched = store::touch::newest(txn, corp, person, member).await?;
    let relation = store::relation::find(txn, corp, member, person).await?;
    Ok(relation.unwrap_or(Relation::unheard_of()).is_contact(touched))
}

async fn request(txn: &Txn, keys: &KeyRing, transfer: &Transfer) -> Result<(), Error> {
    if !store::transfer::insert(txn, keys, transfer).await? {
        return Err(Error::TransferRunning(transfer.lead));
    }
    let event = TransferRequested {
        corp_id: transfer.corp.to_string(),
        transfer_id: transfer.id.to_string(),
        lead_id: transfer.lead.to_string(),
        external_user_id: transfer.person.as_str().to_owned(),
        from_user_id: transfer.from.as_str().to_owned(),
        to_user_id: transfer.to.as_str().to_owned(),
    };
    outbox::put(txn, transfer.corp, &Cause::here(txn.now()), &event).await?;
    Ok(())
}
