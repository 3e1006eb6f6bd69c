//! A lead, its owner, and why.

use scrm_kernel::{CorpId, ExternalUserId, LeadId, SubmissionId, Timestamp, WecomUserId};

use super::reason::{Explanation, Reason, ReasonCode};
use super::submission::Submission;

/// The version of a lead that nobody has changed.
pub const FIRST: i64 = 1;

/// When a member became the contact of a customer. The earliest claim owns the lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// WeCom's time, in whole seconds.
    pub occurred_at: Timestamp,
    /// The place in ingest's order of arrival; settles one second.
    pub received_seq: i64,
}

/// How far a lead has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// 线索池: nobody owns it yet.
    Pool,
    /// It has an owner, and nobody has said more yet.
    Assigned {
        /// The member of the staff who works on it, in the spelling of the event.
        owner: WecomUserId,
        /// Since when.
        at: Timestamp,
    },
}

impl Stage {
    /// Returns the stable name.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Assigned { .. } => "assigned",
        }
    }
}

/// What a lead has of the submission that began it, or that first came to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The lead source, by its name in its address.
    pub source: String,
    /// The routing group that decides.
    pub group: String,
    /// Our id of the submission.
    pub submission: SubmissionId,
}

/// A contact of a customer with a member, as an event told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The customer.
    pub person: ExternalUserId,
    /// The member.
    pub member: WecomUserId,
    /// The `state` of the contact way.
    pub channel: Option<String>,
    /// The member has confirmed it.
    pub confirmed: bool,
    /// When it happened.
    pub claim: Claim,
    /// When ingest had read it.
    pub received_at: Timestamp,
}

/// One person's open interest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Our id.
    pub id: LeadId,
    /// The tenant.
    pub corp: CorpId,
    /// Counts changes of stage, owner, reason and beginning, from 1.
    pub version: i64,
    /// The customer in WeCom; none while nobody has the person as contact.
    pub person: Option<ExternalUserId>,
    /// What the person is called, as a form said it.
    pub name: Option<String>,
    /// The submission behind it, if there is one.
    pub origin: Option<Origin>,
    /// How far it has come, and who works on it.
    pub stage: Stage,
    /// Why they do, or why nobody does.
    pub reason: Reason,
    /// What the owner's claim rests on.
    pub claim: Claim,
    /// Where the person came from.
    pub channel: Option<String>,
    /// When ingest had read the event that made it.
    pub received_at: Timestamp,
}

impl Lead {
    /// Makes the lead of a person who became somebody's contact.
    pub fn captured(id: LeadId, corp: CorpId, contact: &Contact, now: Timestamp) -> Self {
        Self {
            id,
            corp,
            version: FIRST,
            person: Some(contact.person.clone()),
            name: None,
            origin: None,
            stage: Stage::Assigned { owner: contact.member.clone(), at: now },
            reason: Reason::added_by_contact(&contact.member),
            claim: contact.claim,
            channel: contact.channel.clone(),
            received_at: contact.received_at,
        }
    }

    /// Makes the lead of a person who submitted a form, with the owner whom the rules found, if they found one.
    pub fn submitted(
        id: LeadId,
        corp: CorpId,
        submission: &Submission,
        owner: Option<WecomUserId>,
        reason: Reason,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            corp,
            version: FIRST,
            person: submission.person.clone(),
            name: submission.name.clone(),
            origin: Some(submission.origin()),
            stage: owner.map_or(Stage::Pool, |owner| Stage::Assigned { owner, at: now }),
            reason,
            claim: submission.claim,
            channel: Some(submission.channel_or_source()),
            received_at: submission.received_at,
        }
    }

    /// Returns who works on it; none while it is in the pool.
    pub const fn owner(&self) -> Option<&WecomUserId> {
        match &self.stage {
            Stage::Pool => None,
            Stage::Assigned { owner, .. } => Some(owner),
        }
    }

    /// Weighs another contact of the same person: the earlier claim owns the lead, whichever event came first.
    ///
    /// A person's decision stands: the earlier claim then only tells where the lead came from, and when.
    ///
    /// Returns what changed: nothing when the owner's claim is the earlier one. A lead that nobody owns goes to the member.
    pub fn contested(self, contact: &Contact, now: Timestamp) -> Contested {
        let (claim, channel, received_at) = (contact.claim, contact.channel.clone(), contact.received_at);
        let (stage, moved) = match &self.stage {
            Stage::Assigned { .. } if claim >= self.claim => return Contested::Unchanged,
            Stage::Assigned { .. } if self.reason.code == ReasonCode::Reassigned => {
                return Contested::Earlier(Self { claim, channel, received_at, ..self });
            }
            // The spelling is that of the first contact, in whatever order they are told.
            Stage::Assigned { owner, at } if *owner == contact.member => {
                (Stage::Assigned { owner: contact.member.clone(), at: *at }, false)
            }
            Stage::Assigned { .. } | Stage::Pool => {
                (Stage::Assigned { owner: contact.member.clone(), at: now }, true)
            }
        };
        let reason = Reason::added_by_contact(&contact.member);
        let lead = Self { stage, reason, claim, channel, received_at, ..self };
        if moved { Contested::Moved(lead) } else { Contested::Earlier(lead) }
    }

    /// Gives the lead to somebody else, because `by` says so.
    pub fn reassigned(
        self,
        to: WecomUserId,
        by: &str,
        explanation: Option<&Explanation>,
        now: Timestamp,
    ) -> Result<Self, SameOwner> {
        let from = self.owner();
        if from == Some(&to) {
            return Err(SameOwner);
        }
        let reason = Reason::reassigned(by, from, &to, explanation);
        Ok(Self { stage: Stage::Assigned { owner: to, at: now }, reason, ..self })
    }
}

/// The lead is theirs already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lead is theirs already")]
pub struct SameOwner;

/// What another contact did to a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contested {
    /// Nothing.
    Unchanged,
    /// It began earlier than was known, with the same owner.
    Earlier(Lead),
    /// It belongs to somebody else.
    Moved(Lead),
}

#[cfg(test)]
mod tests;
