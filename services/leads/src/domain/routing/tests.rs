//! What the choice promises, for any group.

use proptest::prelude::*;
use scrm_kernel::time::from_millis;

use super::*;
use crate::domain::reason::ReasonCode;
use crate::domain::routing::Strategy;

fn group(strategy: Strategy, weights: &[i64]) -> Group {
    let member = |(number, weight): (usize, &i64)| Member {
        user: WecomUserId::parse(&format!("member{number}")).unwrap(),
        weight: *weight,
        daily_cap: None,
        open_cap: None,
        is_active: true,
        assigned: 0,
        turns: 0,
    };
    Group {
        name: "华东".to_owned(),
        strategy,
        backup: None,
        members: weights.iter().enumerate().map(member).collect(),
        version: 1,
        updated_at: from_millis(0),
    }
}

/// Gives the next lead, and says who got it.
fn give(group: &mut Group, loads: &mut [Load]) -> Option<usize> {
    let Choice::Member(chosen, _) = group.choose(loads) else { return None };
    group.count(chosen, loads);
    loads[chosen].today += 1;
    loads[chosen].open += 1;
    Some(chosen)
}

fn give_some(group: &mut Group, count: usize) -> Vec<usize> {
    let mut loads = vec![Load::default(); group.members.len()];
    (0..count).map(|_| give(group, &mut loads).unwrap()).collect()
}

#[test]
fn turns_go_round_in_order() {
    assert_eq!(give_some(&mut group(Strategy::RoundRobin, &[9, 1, 1]), 7), [0, 1, 2, 0, 1, 2, 0]);
}

#[test]
fn weights_one_two_five_are_spread_over_every_eight_leads() {
    let mut group = group(Strategy::Weighted, &[1, 2, 5]);
    let given = give_some(&mut group, 800);
    for eight in given.chunks(8) {
        let count = |member| eight.iter().filter(|index| **index == member).count();
        assert_eq!((count(0), count(1), count(2)), (1, 2, 5), "{eight:?}");
    }
}

#[test]
fn the_least_loaded_is_chosen_then_the_fewest_today_then_the_first() {
    let group = group(Strategy::LeastLoaded, &[1, 1, 1]);
    let load = |today, open| Load { today, open };
    let chosen = |loads: &[Load]| match group.choose(loads) {
        Choice::Member(index, reason) => (index, reason.code),
        other => panic!("{other:?}"),
    };
    assert_eq!(chosen(&[load(0, 3), load(9, 2), load(0, 3)]), (1, ReasonCode::LeastLoaded));
    assert_eq!(chosen(&[load(5, 2), load(4, 2), load(0, 3)]).0, 1);
    assert_eq!(chosen(&[load(4, 2), load(4, 2), load(4, 2)]).0, 0);
}

#[test]
fn caps_and_absence_lead_to_the_backup_and_else_to_nobody() {
    let mut group = group(Strategy::RoundRobin, &[1, 1, 1]);
    group.members[0].daily_cap = Some(2);
    group.members[1].open_cap = Some(1);
    group.members[2].is_active = false;
    let mut loads = vec![Load::default(); 3];
    let given: Vec<_> = (0..4).map(|_| give(&mut group, &mut loads)).collect();
    assert_eq!(given, [Some(0), Some(1), Some(0), None]);
    let Choice::Nobody(reason) = group.choose(&loads) else { panic!("nobody can take it") };
    assert_eq!(reason.code, ReasonCode::NoEligibleMember);
    group.backup = Some(WecomUserId::parse("boss").unwrap());
    let Choice::Backup(user, reason) = group.choose(&loads) else { panic!("the backup takes it") };
    assert_eq!((user.as_str(), reason.code), ("boss", ReasonCode::Backup));
}

#[test]
fn a_member_who_joins_later_is_not_flooded() {
    let mut before = group(Strategy::RoundRobin, &[1, 1]);
    give_some(&mut before, 101);
    let mut after = group(Strategy::RoundRobin, &[1, 1, 1]).following(&before);
    assert_eq!(after.members.iter().map(|member| member.assigned).collect::<Vec<_>>(), [51, 50, 0]);
    let given = give_some(&mut after, 9);
    let count = |member| given.iter().filter(|index| **index == member).count();
    assert!((3..=4).contains(&count(2)), "{given:?}");
}

#[test]
fn other_weights_begin_a_new_count() {
    let mut before = group(Strategy::Weighted, &[1, 1]);
    give_some(&mut before, 100);
    let mut after = group(Strategy::Weighted, &[3, 1]).following(&before);
    let given = give_some(&mut after, 8);
    assert_eq!(given.iter().filter(|index| **index == 0).count(), 6, "{given:?}");
    assert_eq!(after.members[0].assigned, 56);
}

proptest! {
    #[test]
    fn nobody_is_ever_a_whole_lead_from_the_ideal(
        weights in prop::collection::vec(prop_oneof![1_i64..10, 1_i64..1000], 1..12), count in 1_usize..400,
    ) {
        let mut group = group(Strategy::Weighted, &weights);
        let all: i64 = weights.iter().sum();
        let mut loads = vec![Load::default(); weights.len()];
        for given in 1..=i64::try_from(count).unwrap() {
            prop_assert!(give(&mut group, &mut loads).is_some());
            for (member, weight) in group.members.iter().zip(&weights) {
                let apart = (member.assigned * all - given * weight).abs();
                prop_assert!(apart < all, "{} of {given}, weight {weight} of {all}", member.assigned);
            }
        }
    }

    #[test]
    fn round_robin_is_even_among_those_who_are_always_there(
        absences in prop::collection::vec(prop::collection::vec(any::<bool>(), 6), 1..200),
    ) {
        // Members 0 to 2 are always there, 3 to 5 come and go.
        let mut group = group(Strategy::RoundRobin, &[1; 6]);
        let mut loads = vec![Load::default(); 6];
        let mut got_in_row = [0; 6];
        for absent in absences {
            for (member, is_absent) in group.members.iter_mut().zip(absent).skip(3) {
                member.is_active = !is_absent;
            }
            let chosen = give(&mut group, &mut loads).unwrap();
            let always: Vec<_> = group.members[..3].iter().map(|member| member.assigned).collect();
            let (most, least) = (always.iter().max().unwrap(), always.iter().min().unwrap());
            prop_assert!(most - least <= 1, "{always:?}");
            for (index, count) in got_in_row.iter_mut().enumerate() {
                *count = if index == chosen { *count + 1 } else { 0 };
            }
            prop_assert!(got_in_row.iter().all(|count| *count <= 2), "somebody is flooded: {got_in_row:?}");
        }
    }

    #[test]
    fn no_cap_is_ever_exceeded(
        caps in prop::collection::vec((prop::option::of(0_i64..5), prop::option::of(0_i64..5)), 1..6),
        strategy in prop::sample::select(vec![Strategy::RoundRobin, Strategy::Weighted, Strategy::LeastLoaded]),
    ) {
        let mut group = group(strategy, &vec![2; caps.len()]);
        for (member, (daily, open)) in group.members.iter_mut().zip(&caps) {
            (member.daily_cap, member.open_cap) = (*daily, *open);
        }
        let mut loads = vec![Load::default(); caps.len()];
        for _ in 0..40 {
            give(&mut group, &mut loads);
        }
        for (load, (daily, open)) in loads.iter().zip(&caps) {
            let most = [*daily, *open].into_iter().flatten().min().unwrap_or(40);
            prop_assert!(load.today <= most);
            prop_assert!(load.today == most || most == 40);
        }
    }
}
