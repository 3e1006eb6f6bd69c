//! Whom a code leads to, for any plan.

use proptest::prelude::*;
use scrm_kernel::time::from_millis;

use super::*;

/// Monday, 2 March 2026, midnight in Shanghai.
const MONDAY: i64 = 1_772_380_800_000;

fn at(hour: i64) -> Timestamp {
    from_millis(MONDAY + hour * 3_600_000)
}

fn user(name: &str) -> WecomUserId {
    WecomUserId::parse(name).unwrap()
}

fn place(name: &str, weight: u32, daily_cap: Option<u32>) -> Place {
    Place { user: user(name), weight, daily_cap, week: None }
}

fn plan(staff: Vec<Place>) -> Plan {
    Plan { is_on: true, staff, backup: None }
}

fn names(wanted: &Wanted) -> Vec<&str> {
    wanted.users.iter().map(WecomUserId::as_str).collect()
}

fn adds(of: &[(&str, u32)]) -> Adds {
    of.iter().map(|(name, adds)| (name.to_lowercase(), *adds)).collect()
}

#[test]
fn equal_weights_list_everybody_who_is_on_duty_and_below_the_cap() {
    let day = |hours: &str| Some(Week(std::array::from_fn(|_| hours.parse().unwrap())));
    let plan = plan(vec![
        Place { week: day("09:00-12:00"), ..place("LiLei", 1, None) },
        Place { week: day("11:00-18:00"), ..place("HanMeimei", 1, Some(2)) },
    ]);
    let list = |hour, counts: &[(&str, u32)], before: &str| {
        let wanted = plan.wanted(at(hour), &adds(counts), &[user(before)]);
        (wanted.users.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), wanted.shortfall)
    };
    assert_eq!(list(9, &[], "LiLei"), ("LiLei".to_owned(), None));
    assert_eq!(list(11, &[("LiLei", 50)], "LiLei"), ("LiLei HanMeimei".to_owned(), None));
    assert_eq!(list(11, &[("HanMeimei", 2)], "LiLei"), ("LiLei".to_owned(), None));
    assert_eq!(list(12, &[], "LiLei"), ("HanMeimei".to_owned(), None));
    assert_eq!(list(18, &[], "hanmeimei"), ("hanmeimei".to_owned(), Some(Shortfall::NobodyFree)));
    assert_eq!(list(18, &[], "Gone"), ("LiLei".to_owned(), Some(Shortfall::NobodyFree)));
}

#[test]
fn a_backup_answers_for_a_channel_that_is_off_or_full() {
    let mut plan = plan(vec![place("LiLei", 1, Some(1))]);
    plan.backup = Some(user("Duty"));
    assert_eq!(names(&plan.wanted(at(9), &adds(&[("lilei", 1)]), &[])), ["Duty"]);
    plan.is_on = false;
    assert_eq!(names(&plan.wanted(at(9), &Adds::new(), &[])), ["Duty"]);
    plan.backup = None;
    let wanted = plan.wanted(at(9), &Adds::new(), &[]);
    assert_eq!((names(&wanted), wanted.shortfall), (vec!["LiLei"], Some(Shortfall::Off)));
}

#[test]
fn an_overshoot_is_beyond_the_cap_or_off_the_list() {
    let plan = plan(vec![place("LiLei", 1, Some(1)), place("HanMeimei", 1, None)]);
    let over = |name: &str, counts: &[(&str, u32)]| {
        plan.is_overshoot(&user(name), at(9), &adds(counts), &[user("LiLei")])
    };
    assert!(!over("lilei", &[]));
    assert!(over("LiLei", &[("lilei", 1)]));
    assert!(!over("HanMeimei", &[("hanmeimei", 99)]));
    assert!(over("Stranger", &[]));

    // Nobody is free and nobody stands in, so the list stays; the cap is passed all the same.
    let alone = Plan { staff: vec![place("LiLei", 1, Some(1))], ..plan };
    assert!(alone.is_overshoot(&user("LiLei"), at(9), &adds(&[("lilei", 1)]), &[user("LiLei")]));
}

fn any_plan() -> impl Strategy<Value = (Plan, Adds, i64)> {
    let hours = prop::sample::select(vec!["", "00:00-24:00", "09:00-18:00", "18:00-24:00"]);
    let week = prop::option::of(prop::array::uniform7(hours));
    let member = (1_u32..5, prop::option::of(0_u32..4), week, 0_u32..5);
    let backup = prop::option::of(Just(user("Backup")));
    (prop::collection::vec(member, 1..6), any::<bool>(), backup, 0_i64..200).prop_map(
        |(members, is_on, backup, hour)| {
            let mut adds = Adds::new();
            let staff = members.into_iter().enumerate().map(|(index, (weight, daily_cap, week, got))| {
                let name = format!("User{index}");
                adds.insert(name.to_lowercase(), got);
                let week = week.map(|week| Week(week.map(|hours| hours.parse().unwrap())));
                Place { user: user(&name), weight, daily_cap, week }
            });
            let staff = staff.collect();
            (Plan { is_on, staff, backup }, adds, hour)
        },
    )
}

proptest! {
    #[test]
    fn a_code_always_leads_to_somebody_and_only_to_those_who_may(
        (plan, adds, hour) in any_plan(), before in 0_usize..6
    ) {
        let before = [user(&format!("User{before}"))];
        let wanted = plan.wanted(at(hour), &adds, &before);
        prop_assert!(!wanted.users.is_empty());
        let is_backup = wanted.users.iter().all(|user| Some(user) == plan.backup.as_ref());
        for user in &wanted.users {
            let place = plan.staff.iter().find(|place| place.user == *user);
            let is_free = place.is_some_and(|place| plan.is_free(place, at(hour), &adds));
            prop_assert!(is_free || is_backup || wanted.shortfall.is_some(), "{user}");
            prop_assert!(place.is_some() || is_backup, "{user} is not of this channel");
        }
        // What is wanted stays wanted: the list moves only when something else does.
        prop_assert_eq!(plan.wanted(at(hour), &adds, &wanted.users), wanted);
    }

    #[test]
    fn weights_are_met_exactly_after_each_round(
        weights in prop::collection::vec(1_u32..6, 1..6), rounds in 1_u32..4, chance in any::<u64>()
    ) {
        let places = weights.iter().enumerate();
        let plan = plan(places.map(|(index, weight)| place(&format!("User{index}"), *weight, None)).collect());
        let (mut adds, mut chance) = (Adds::new(), chance);
        let is_level = weights.iter().all(|weight| *weight == weights[0]);
        for _ in 0..rounds * weights.iter().sum::<u32>() {
            let wanted = plan.wanted(at(9), &adds, &[]);
            prop_assert!(!is_level || wanted.users.len() == weights.len());
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let pick = usize::try_from(chance >> 33).unwrap() % wanted.users.len();
            *adds.entry(wanted.users[pick].folded()).or_default() += 1;
        }
        for (index, weight) in weights.iter().enumerate().filter(|_| !is_level) {
            prop_assert_eq!(adds.get(&format!("user{index}")).copied(), Some(weight * rounds));
        }
    }
}
