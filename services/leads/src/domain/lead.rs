//! A lead, its owner, and why.

use scrm_kernel::{CorpId, ExternalUserId, LeadId, StaffId, SubmissionId, Timestamp, WecomUserId};

use super::reason::Reason;
use super::submission::Submission;

/// A member of the staff as a lead names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Our id; none until the directory knows the member.
    pub staff: Option<StaffId>,
    /// WeCom's id, in the spelling of the event.
    pub user: WecomUserId,
}

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
        /// Who works on it.
        owner: Owner,
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
    pub member: Owner,
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
            version: 1,
            person: Some(contact.person.clone()),
            name: None,
            origin: None,
            stage: Stage::Assigned { owner: contact.member.clone(), at: now },
            reason: Reason::added_by_contact(&contact.member.user),
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
            version: 1,
            person: submission.person.clone(),
            name: submission.name.clone(),
            origin: Some(submission.origin()),
            stage: owner
                .map_or(Stage::Pool, |user| Stage::Assigned { owner: Owner { staff: None, user }, at: now }),
            reason,
            claim: submission.claim,
            channel: Some(submission.channel_or_source()),
            received_at: submission.received_at,
        }
    }

    /// Returns who works on it; none while it is in the pool.
    pub const fn owner(&self) -> Option<&Owner> {
        match &self.stage {
            Stage::Pool => None,
            Stage::Assigned { owner, .. } => Some(owner),
        }
    }

    /// Weighs another contact of the same person: the earlier claim owns the lead, whichever event came first.
    ///
    /// Returns what changed: nothing when the owner's claim is the earlier one. A lead that nobody owns goes to the member.
    pub fn contested(self, contact: &Contact, now: Timestamp) -> Contested {
        let (claim, channel, received_at) = (contact.claim, contact.channel.clone(), contact.received_at);
        let (stage, moved) = match &self.stage {
            Stage::Assigned { .. } if claim >= self.claim => return Contested::Unchanged,
            // The spelling is that of the first contact, in whatever order they are told.
            Stage::Assigned { owner, at } if owner.user == contact.member.user => {
                let owner = Owner { user: contact.member.user.clone(), staff: owner.staff };
                (Stage::Assigned { owner, at: *at }, false)
            }
            Stage::Assigned { .. } | Stage::Pool => {
                (Stage::Assigned { owner: contact.member.clone(), at: now }, true)
            }
        };
        let reason = Reason::added_by_contact(&contact.member.user);
        let lead = Self { stage, reason, claim, channel, received_at, ..self };
        if moved { Contested::Moved(lead) } else { Contested::Earlier(lead) }
    }
}

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
mod tests {
    use proptest::prelude::*;
    use scrm_kernel::time::from_millis;

    use super::*;

    fn contact(member: &str, second: i64, seq: i64) -> Contact {
        Contact {
            person: ExternalUserId::parse("wm-customer").unwrap(),
            member: Owner { staff: None, user: WecomUserId::parse(member).unwrap() },
            channel: Some(format!("from-{member}")),
            confirmed: true,
            claim: Claim { occurred_at: from_millis(second * 1000), received_seq: seq },
            received_at: from_millis(second * 1000 + 5),
        }
    }

    fn lead(first: &Contact) -> Lead {
        let now = from_millis(9_000_000);
        Lead::captured(LeadId::mint(now), CorpId::mint(now), first, now)
    }

    #[test]
    fn the_first_adder_owns_the_lead_in_whatever_order_the_events_come() {
        let contacts = [contact("han", 20, 1), contact("li", 10, 3), contact("wang", 10, 2)];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut lead = lead(&contacts[order[0]]);
            for index in &order[1..] {
                lead = match lead.clone().contested(&contacts[*index], from_millis(1)) {
                    Contested::Unchanged => lead,
                    Contested::Earlier(lead) | Contested::Moved(lead) => lead,
                };
            }
            assert_eq!(lead.owner().unwrap().user.as_str(), "wang", "{order:?}");
            assert_eq!(lead.channel.as_deref(), Some("from-wang"), "{order:?}");
        }
    }

    #[test]
    fn the_same_member_added_earlier_keeps_the_lead_and_its_assignment() {
        let lead = lead(&contact("li", 20, 2));
        let Stage::Assigned { at: before, .. } = lead.stage else { panic!("it has an owner") };
        let Contested::Earlier(lead) = lead.contested(&contact("LI", 10, 1), from_millis(1)) else {
            panic!("the owner stays");
        };
        let Stage::Assigned { owner, at } = lead.stage else { panic!("it has an owner") };
        assert_eq!((owner.user.as_str(), at), ("LI", before));
    }

    #[test]
    fn a_lead_that_nobody_owns_goes_to_the_first_adder() {
        for order in [[0, 1], [1, 0]] {
            let contacts = [contact("han", 20, 1), contact("li", 10, 2)];
            let mut lead = Lead { stage: Stage::Pool, ..lead(&contact("nobody", 5, 0)) };
            for index in order {
                lead = match lead.clone().contested(&contacts[index], from_millis(1)) {
                    Contested::Unchanged => lead,
                    Contested::Earlier(lead) | Contested::Moved(lead) => lead,
                };
            }
            assert_eq!(lead.owner().unwrap().user.as_str(), "li", "{order:?}");
            assert_eq!(lead.channel.as_deref(), Some("from-li"), "{order:?}");
        }
    }

    /// Some contacts with places in the order of arrival of their own, and an order to tell them in, with repetitions.
    fn told() -> impl Strategy<Value = (Vec<Contact>, Vec<usize>)> {
        let members = prop::sample::select(vec!["li", "LI", "han", "wang"]);
        let contacts = prop::collection::vec((members, 0_i64..4, any::<bool>()), 1..8);
        contacts.prop_flat_map(|contacts| {
            let contacts: Vec<Contact> = (0_i64..)
                .zip(contacts)
                .map(|(seq, (member, second, confirmed))| Contact {
                    confirmed,
                    ..contact(member, second, seq)
                })
                .collect();
            let all_and_some_again = prop::collection::vec(0..contacts.len(), 0..8)
                .prop_map({
                    let count = contacts.len();
                    move |again| (0..count).chain(again).collect::<Vec<_>>()
                })
                .prop_shuffle();
            (Just(contacts), all_and_some_again)
        })
    }

    proptest! {
        #[test]
        fn any_contacts_told_in_any_order_and_again_give_the_same_owner((contacts, order) in told()) {
            let mut lead = lead(&contacts[order[0]]);
            for index in &order[1..] {
                lead = match lead.clone().contested(&contacts[*index], from_millis(1)) {
                    Contested::Unchanged => lead,
                    Contested::Earlier(lead) | Contested::Moved(lead) => lead,
                };
            }
            let first = contacts.iter().min_by_key(|contact| contact.claim).unwrap();
            prop_assert_eq!(lead.owner().unwrap().user.as_str(), first.member.user.as_str());
            prop_assert_eq!(lead.claim, first.claim);
            prop_assert_eq!((&lead.channel, lead.received_at), (&first.channel, first.received_at));
        }
    }
}
