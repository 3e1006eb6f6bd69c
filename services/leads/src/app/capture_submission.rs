//! A person left their details: that makes a lead, or belongs to one.

use scrm_db::{Cause, Txn};
use scrm_kernel::{CorpId, LeadId};
use sea_orm::DbErr;

use super::assign_lead::{next_of, tell};
use super::{App, Error};
use crate::domain::lead::{Lead, Origin, Stage};
use crate::domain::reason::Reason;
use crate::domain::submission::{Mark, Submission};
use crate::store;

impl App {
    /// Notes the submission; makes the person's lead and finds its owner, or leaves it with the owner it has.
    pub async fn capture_submission(&self, corp: CorpId, submission: &Submission) -> Result<(), Error> {
        let cause = Cause {
            received_at: Some(submission.received_at),
            received_seq: Some(submission.claim.received_seq),
            ..Cause::here(submission.claim.occurred_at)
        };
        let txn = self.db.begin().await?;
        self.capture_submission_in(&txn, corp, submission, &cause).await?;
        Ok(txn.commit().await?)
    }

    pub(crate) async fn capture_submission_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        submission: &Submission,
        cause: &Cause,
    ) -> Result<(), DbErr> {
        let (now, marks) = (txn.now(), submission.marks());
        let id = LeadId::mint(now);
        let holders = store::mark::claim(txn, corp, &marks, id).await?;
        // After the lock: whoever handled a copy of it meanwhile has noted it.
        if store::submission::is_known(txn, corp, submission.id).await? {
            return Ok(());
        }
        if let Some(lead) = person_known(txn, corp, submission, &marks, &holders, id).await? {
            store::mark::hand_over(txn, corp, &marks, id, lead.id).await?;
            let reason = self.repeat(txn, &lead, submission, cause).await?;
            return store::submission::note(txn, &self.keys, corp, submission, lead.id, &reason).await;
        }

        let group = store::routing::lock(txn, corp, &submission.group).await?;
        let found = next_of(txn, corp, group, &submission.group).await?;
        let lead = Lead::submitted(id, corp, submission, found.owner, found.reason, now);
        store::lead::insert_submitted(txn, &self.keys, &lead, submission).await?;
        store::submission::note(txn, &self.keys, corp, submission, id, &lead.reason).await?;
        tracing::info!(lead.id = %id, lead.reason = lead.reason.code.as_str(), "A submission became lead {id}");
        tell(txn, &lead, cause).await
    }

    /// Handles a submission of a person who has an open lead; returns the reason why it went where it went.
    async fn repeat(
        &self,
        txn: &Txn,
        lead: &Lead,
        submission: &Submission,
        cause: &Cause,
    ) -> Result<Reason, DbErr> {
        if let Some(owner) = lead.owner() {
            store::lead::fill(txn, &self.keys, lead, submission).await?;
            return Ok(Reason::protected(owner));
        }
        let group = store::routing::lock(txn, lead.corp, &submission.group).await?;
        // Now that the group is locked, who waited for it may have an owner.
        let lead = store::pool::read_again(txn, lead.corp, lead.id).await?;
        let mut lead = lead.ok_or_else(|| DbErr::RecordNotFound("lead in the pool".to_owned()))?;
        if let Some(owner) = lead.owner() {
            store::lead::fill(txn, &self.keys, &lead, submission).await?;
            return Ok(Reason::protected(owner));
        }
        let found = next_of(txn, lead.corp, group, &submission.group).await?;
        if let Some(owner) = found.owner {
            lead.stage = Stage::Assigned { owner, at: txn.now() };
        }
        lead.reason = found.reason;
        lead.origin = lead.origin.map(|origin| Origin { group: submission.group.clone(), ..origin });
        lead.person = lead.person.or_else(|| submission.person.clone());
        if !store::pool::take(txn, &lead).await? {
            return Err(DbErr::RecordNotUpdated);
        }
        store::lead::fill(txn, &self.keys, &lead, submission).await?;
        tell(txn, &lead, cause).await?;
        Ok(lead.reason)
    }
}

/// Returns the open lead of the person, by the surest mark.
///
/// Two customers of WeCom are two people, whatever phone they share.
async fn person_known(
    txn: &Txn,
    corp: CorpId,
    submission: &Submission,
    marks: &[Mark],
    holders: &[LeadId],
    fresh: LeadId,
) -> Result<Option<Lead>, DbErr> {
    for (mark, holder) in marks.iter().zip(holders).filter(|(_, holder)| **holder != fresh) {
        let lead = store::pool::read_again(txn, corp, *holder).await?;
        let lead = lead.ok_or_else(|| DbErr::RecordNotFound(format!("open lead {holder}")))?;
        let is_other = match (&submission.person, &lead.person) {
            (Some(submitted), Some(known)) => submitted != known && *mark != Mark::of(submitted),
            _ => false,
        };
        if !is_other {
            return Ok(Some(lead));
        }
    }
    Ok(None)
}
