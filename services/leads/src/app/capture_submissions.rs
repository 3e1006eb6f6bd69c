//! Many people left their details at once: who is new gets a lead and an owner, all of them in a few statements.

use std::collections::HashSet;

use scrm_db::{Cause, Txn};
use scrm_kernel::{CorpId, LeadId};
use sea_orm::DbErr;

use super::App;
use super::assign_lead::{Sharing, tell};
use crate::domain::lead::Lead;
use crate::domain::submission::{Mark, Submission};
use crate::store;

impl App {
    /// Makes the leads of people of whom nobody has heard, and finds their owners in the order of the submissions; says
    /// of each submission whether it was that of one. The others are left as they are.
    ///
    /// All of them are for one group, and no two have a mark in common.
    pub(crate) async fn capture_new_submissions_in(
        &self,
        txn: &Txn,
        corp: CorpId,
        submissions: &[(Submission, Cause)],
    ) -> Result<Vec<bool>, DbErr> {
        let Some((Submission { group, .. }, _)) = submissions.first() else { return Ok(Vec::new()) };
        let now = txn.now();
        let ids: Vec<LeadId> = submissions.iter().map(|_| LeadId::mint(now)).collect();
        let are_new = claim_new(txn, corp, submissions, &ids).await?;
        let new = submissions.iter().zip(&ids).zip(&are_new);
        let new = new.filter_map(|((submission, id), is_new)| is_new.then_some((submission, *id)));

        let locked = store::routing::lock(txn, corp, group).await?;
        let mut sharing = Sharing::begin(txn, corp, locked, group).await?;
        let mut captured = Vec::new();
        for ((submission, cause), id) in new {
            let found = sharing.next();
            let lead = Lead::submitted(id, corp, submission, found.owner, found.reason, now);
            captured.push((lead, submission, cause));
        }
        sharing.end(txn, corp).await?;
        let leads = captured.iter().map(|(lead, submission, _)| (lead, *submission));
        store::lead::insert_all_submitted(txn, &self.keys, leads).await?;
        let decided = captured.iter().map(|(lead, submission, _)| (*submission, lead.id, &lead.reason));
        store::submission::note_all(txn, &self.keys, corp, decided).await?;
        for (lead, _, cause) in &captured {
            let reason = lead.reason.code.as_str();
            tracing::info!(lead.id = %lead.id, lead.reason = reason, "A submission became lead {}", lead.id);
            tell(txn, lead, cause).await?;
        }
        Ok(are_new)
    }
}

/// Claims the marks of submissions for the leads `ids`, and says of each whether it is new: nobody has heard of its
/// person, and it was not handled before.
async fn claim_new(
    txn: &Txn,
    corp: CorpId,
    submissions: &[(Submission, Cause)],
    ids: &[LeadId],
) -> Result<Vec<bool>, DbErr> {
    let claims: Vec<(Mark, LeadId)> = submissions
        .iter()
        .zip(ids)
        .flat_map(|((submission, _), id)| submission.marks().into_iter().map(|mark| (mark, *id)))
        .collect();
    let claimants: Vec<LeadId> = claims.iter().map(|(_, id)| *id).collect();
    let are_claimed = store::mark::claim_each(txn, corp, claims).await?;
    // After the lock: whoever handled a copy of one meanwhile has noted it.
    let asked: Vec<_> = submissions.iter().map(|(submission, _)| submission.id).collect();
    let known = store::submission::known(txn, corp, &asked).await?;
    let mut not_new: HashSet<LeadId> = claimants
        .into_iter()
        .zip(are_claimed)
        .filter(|(_, is_claimed)| !is_claimed)
        .map(|(id, _)| id)
        .collect();
    let handled = submissions.iter().zip(ids).filter(|((submission, _), _)| known.contains(&submission.id));
    not_new.extend(handled.map(|(_, id)| *id));
    let given_up: Vec<LeadId> = not_new.iter().copied().collect();
    store::mark::give_back(txn, corp, &given_up).await?;
    Ok(ids.iter().map(|id| !not_new.contains(id)).collect())
}
