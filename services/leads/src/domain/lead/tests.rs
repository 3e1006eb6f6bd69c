//! Whose a lead is, in whatever order contacts and decisions come.

use proptest::prelude::*;
use scrm_kernel::time::from_millis;

use super::*;

fn contact(member: &str, second: i64, seq: i64) -> Contact {
    Contact {
        person: ExternalUserId::parse("wm-customer").unwrap(),
        member: WecomUserId::parse(member).unwrap(),
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
        assert_eq!(lead.owner().unwrap().as_str(), "wang", "{order:?}");
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
    assert_eq!((owner.as_str(), at), ("LI", before));
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
        assert_eq!(lead.owner().unwrap().as_str(), "li", "{order:?}");
        assert_eq!(lead.channel.as_deref(), Some("from-li"), "{order:?}");
    }
}

#[test]
fn a_lead_is_not_given_to_its_owner() {
    let (lead, to) = (lead(&contact("li", 20, 2)), contact("LI", 1, 1).member);
    assert_eq!(lead.reassigned(to, "boss", None, from_millis(1)), Err(SameOwner));
}

#[test]
fn a_decision_is_told_in_words() {
    let why = Explanation::parse(" 休假 ").unwrap();
    let to = || contact("han", 1, 1).member;
    let owned = lead(&contact("li", 20, 2));
    let pooled = Lead { stage: Stage::Pool, ..owned.clone() };
    let moved = owned.reassigned(to(), "boss", Some(&why), from_millis(1)).unwrap();
    assert_eq!(moved.reason.text, "boss 将线索从成员 li 转交给成员 han：休假");
    let given = pooled.reassigned(to(), "boss", None, from_millis(1)).unwrap();
    assert_eq!(given.reason.text, "boss 将线索从线索池分给成员 han");
}

/// Some contacts with places in the order of arrival of their own, and an order to tell them in, with repetitions.
fn told() -> impl Strategy<Value = (Vec<Contact>, Vec<usize>)> {
    let members = prop::sample::select(vec!["li", "LI", "han", "wang"]);
    let contacts = prop::collection::vec((members, 0_i64..4, any::<bool>()), 1..8);
    contacts.prop_flat_map(|contacts| {
        let contacts: Vec<Contact> = (0_i64..)
            .zip(contacts)
            .map(|(seq, (member, second, confirmed))| Contact { confirmed, ..contact(member, second, seq) })
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
    fn no_contact_however_early_or_late_undoes_a_decision((contacts, order) in told(), decided in 0_usize..16) {
        let to = contact("decided", 1, 1).member;
        let mut lead = lead(&contacts[order[0]]);
        let decided = decided % order.len();
        for (place, index) in order.iter().enumerate() {
            lead = match lead.clone().contested(&contacts[*index], from_millis(1)) {
                Contested::Unchanged => lead,
                Contested::Earlier(lead) | Contested::Moved(lead) => lead,
            };
            if place == decided {
                lead = lead.reassigned(to.clone(), "boss", None, from_millis(2)).unwrap();
            }
        }
        let first = contacts.iter().min_by_key(|contact| contact.claim).unwrap();
        prop_assert_eq!((lead.owner(), lead.claim), (Some(&to), first.claim));
        prop_assert_eq!(lead.reason.code, ReasonCode::Reassigned);
    }

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
        prop_assert_eq!(lead.owner().unwrap().as_str(), first.member.as_str());
        prop_assert_eq!(lead.claim, first.claim);
        prop_assert_eq!((&lead.channel, lead.received_at), (&first.channel, first.received_at));
    }
}
