//! A lead, its owner, and why.

use scrm_kernel::{CorpId, ExternalUserId, LeadId, StaffId, Timestamp, WecomUserId};

/// A member of the staff as a lead names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Our id; none until the directory knows the member.
    pub staff: Option<StaffId>,
    /// WeCom's id, in the spelling of the event.
    pub user: WecomUserId,
}

/// Why somebody owns a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The customer added this member in WeCom.
    AddedByContact,
}

impl Reason {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AddedByContact => "added_by_contact",
        }
    }

    /// Reads the stable code.
    pub fn parse(code: &str) -> Option<Self> {
        (code == Self::AddedByContact.code()).then_some(Self::AddedByContact)
    }

    /// Returns the reason in words, as the people who work with leads read it.
    pub fn text(self, owner: &WecomUserId) -> String {
        match self {
            Self::AddedByContact => format!("客户最先添加了成员 {owner} 为联系人，线索归其所有"),
        }
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It has an owner, and nobody has said more yet.
    Assigned,
}

impl Stage {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        (text == Self::Assigned.as_str()).then_some(Self::Assigned)
    }
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
    /// The customer.
    pub person: ExternalUserId,
    /// Who works on it.
    pub owner: Owner,
    /// Why they do.
    pub reason: Reason,
    /// What the owner's claim rests on.
    pub claim: Claim,
    /// Where the person came from.
    pub channel: Option<String>,
    /// How far it has come.
    pub stage: Stage,
    /// When ingest had read the event that made it.
    pub received_at: Timestamp,
    /// When it got this owner.
    pub assigned_at: Timestamp,
}

impl Lead {
    /// Makes the lead of a person who became somebody's contact.
    pub fn captured(id: LeadId, corp: CorpId, contact: &Contact, now: Timestamp) -> Self {
        Self {
            id,
            corp,
            person: contact.person.clone(),
            owner: contact.member.clone(),
            reason: Reason::AddedByContact,
            claim: contact.claim,
            channel: contact.channel.clone(),
            stage: Stage::Assigned,
            received_at: contact.received_at,
            assigned_at: now,
        }
    }

    /// Weighs another contact of the same person: the earlier claim owns the lead, whichever event came first.
    ///
    /// Returns what changed: nothing when the owner's claim is the earlier one.
    pub fn contested(self, contact: &Contact, now: Timestamp) -> Contested {
        if contact.claim >= self.claim {
            return Contested::Unchanged;
        }
        let same_owner = contact.member.user == self.owner.user;
        let earlier = Self {
            claim: contact.claim,
            channel: contact.channel.clone(),
            received_at: contact.received_at,
            ..self
        };
        if same_owner {
            // The spelling is that of the first contact, in whatever order they are told.
            let owner = Owner { user: contact.member.user.clone(), ..earlier.owner.clone() };
            Contested::Earlier(Self { owner, ..earlier })
        } else {
            Contested::Moved(Self { owner: contact.member.clone(), assigned_at: now, ..earlier })
        }
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
            assert_eq!(lead.owner.user.as_str(), "wang", "{order:?}");
            assert_eq!(lead.channel.as_deref(), Some("from-wang"), "{order:?}");
        }
    }

    #[test]
    fn the_same_member_added_earlier_keeps_the_lead_and_its_assignment() {
        let lead = lead(&contact("li", 20, 2));
        let assigned_at = lead.assigned_at;
        let Contested::Earlier(lead) = lead.contested(&contact("LI", 10, 1), from_millis(1)) else {
            panic!("the owner stays");
        };
        assert_eq!(lead.owner.user.as_str(), "LI");
        assert_eq!(lead.assigned_at, assigned_at);
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
            prop_assert_eq!(lead.owner.user.as_str(), first.member.user.as_str());
            prop_assert_eq!(lead.claim, first.claim);
            prop_assert_eq!((&lead.channel, lead.received_at), (&first.channel, first.received_at));
        }
    }
}
