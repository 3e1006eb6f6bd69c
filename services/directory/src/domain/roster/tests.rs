//! One roster, whatever order the facts come in.

use std::collections::BTreeSet;

use proptest::prelude::*;
use scrm_kernel::time::from_millis;

use super::*;
use crate::domain::staff::Profile;

/// Something that was heard.
#[derive(Debug, Clone)]
enum Heard {
    Read(&'static str, i64, String),
    Gone(&'static str, i64),
    Renamed(&'static str, &'static str, i64),
}

fn user(id: &str) -> WecomUserId {
    WecomUserId::parse(id).unwrap()
}

fn fact(second: i64) -> Fact {
    Fact { occurred_at: from_millis(second * 1000), received_seq: second }
}

/// Applies what was heard one by one, as the service does: whoever changed is told of.
fn told(heard: impl IntoIterator<Item = Heard>) -> Roster {
    let (mut roster, mut minted) = (Roster::default(), 0);
    for heard in heard {
        let before = roster.clone();
        let mut mint = || {
            minted += 1;
            StaffId::mint(from_millis(minted))
        };
        match heard {
            Heard::Read(id, second, name) => {
                let profile = Profile { name, ..Profile::default() };
                roster.read(&user(id), Reading { fact: fact(second), profile }, &mut mint);
            }
            Heard::Gone(id, second) => roster.gone(&user(id), fact(second)),
            Heard::Renamed(former, id, second) => {
                let at = from_millis(second * 1000);
                roster.renamed(&Rename { former: user(former), user: user(id), at }, &mut mint);
            }
        }
        roster.changed_since(&before);
    }
    roster
}

fn members(roster: &Roster) -> Vec<Member> {
    roster.people.keys().filter_map(|id| roster.member(*id)).filter(|one| one.same_as.is_none()).collect()
}

/// Id, former ids, name and state.
type Seen = (String, Vec<String>, String, &'static str);

/// Who is seen: id, former ids, name and state of those who have an id; how many have none.
fn seen(roster: &Roster) -> (BTreeSet<Seen>, usize) {
    let (here, away): (Vec<_>, Vec<_>) = members(roster).into_iter().partition(|one| one.user.is_some());
    let show = |one: Member| {
        let former = one.former.iter().map(WecomUserId::folded).collect();
        (one.user.unwrap().folded(), former, one.profile.name, one.state.as_str())
    };
    (here.into_iter().map(show).collect(), away.len())
}

fn read(id: &'static str, second: i64, name: &str) -> Heard {
    Heard::Read(id, second, name.to_owned())
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let longer = |order: Vec<usize>| {
        (0..count).map(move |place| {
            let mut order = order.clone();
            order.insert(place, count - 1);
            order
        })
    };
    orders(count - 1).into_iter().flat_map(longer).collect()
}

fn in_all_orders(heard: &[Heard]) -> Vec<Roster> {
    let all = orders(heard.len());
    all.into_iter().map(|order| told(order.into_iter().map(|index| heard[index].clone()))).collect()
}

#[test]
fn a_rename_ends_in_one_member_whichever_id_was_read_first() {
    let heard = [
        read("Old", 5, "李雷"),
        Heard::Renamed("old", "New", 10),
        read("New", 12, "李雷雷"),
        Heard::Gone("OLD", 11),
    ];
    for roster in in_all_orders(&heard) {
        let expected = ("new".to_owned(), vec!["old".to_owned()], "李雷雷".to_owned(), "active");
        assert_eq!(seen(&roster), (BTreeSet::from([expected]), 0), "{roster:?}");
        assert_eq!(members(&roster)[0].user.as_ref().unwrap().as_str(), "New");
    }
}

#[test]
fn two_rows_that_turn_out_to_be_one_member_keep_the_older_id() {
    let roster = told([read("new", 12, "李雷"), read("old", 5, "李雷"), Heard::Renamed("old", "new", 10)]);
    let ids: Vec<StaffId> = roster.people.keys().copied().collect();
    let (stays, goes) = (roster.member(ids[0]).unwrap(), roster.member(ids[1]).unwrap());
    assert_eq!(
        (stays.user.unwrap(), stays.former, stays.state),
        (user("new"), vec![user("old")], State::Active)
    );
    assert_eq!((goes.user, goes.state, goes.same_as, goes.version), (None, State::Left, Some(ids[0]), 2));
}

#[test]
fn an_id_goes_to_a_new_member_after_the_rename() {
    let heard = [
        read("a", 5, "李雷"),
        Heard::Renamed("a", "b", 10),
        read("b", 12, "李雷"),
        read("a", 20, "韩梅梅"),
        Heard::Gone("a", 30),
    ];
    for roster in in_all_orders(&heard) {
        let lilei = ("b".to_owned(), vec!["a".to_owned()], "李雷".to_owned(), "active");
        let hanmei = ("a".to_owned(), vec![], "韩梅梅".to_owned(), "left");
        assert_eq!(seen(&roster), (BTreeSet::from([lilei, hanmei]), 0), "{roster:?}");
    }
}

#[test]
fn a_chain_of_renames_is_one_member() {
    let heard = [
        read("a", 5, "李雷"),
        Heard::Renamed("a", "b", 10),
        Heard::Renamed("b", "c", 20),
        read("c", 22, "李雷"),
    ];
    for roster in in_all_orders(&heard) {
        let expected = ("c".to_owned(), vec!["a".to_owned(), "b".to_owned()], "李雷".to_owned(), "active");
        assert_eq!(seen(&roster), (BTreeSet::from([expected]), 0), "{roster:?}");
    }
}

#[test]
fn who_left_and_comes_back_is_the_same() {
    let heard = [read("a", 5, "李雷"), Heard::Gone("A", 10), read("a", 20, "李雷")];
    for roster in in_all_orders(&heard) {
        let [only] = members(&roster).try_into().unwrap();
        assert_eq!((only.user.unwrap(), only.state), (user("a"), State::Active));
    }
    let roster = told([heard[0].clone(), heard[1].clone()]);
    assert_eq!(members(&roster)[0].state, State::Left);
    assert_eq!(members(&told([heard[1].clone()])), []);
}

const IDS: [&str; 4] = ["a", "b", "c", "d"];

/// A company that hires, renames, loses and takes back people, and what WeCom tells of it, 10 seconds apart.
#[derive(Debug, Default, Clone)]
struct Company {
    second: i64,
    /// Id, former ids, name and whether they are here.
    people: Vec<(&'static str, Vec<&'static str>, String, bool)>,
    /// Those whose id somebody else has.
    displaced: usize,
    heard: Vec<Heard>,
}

impl Company {
    /// Lets something happen, chosen by numbers.
    fn happens(&mut self, what: u8, who: usize, id: &'static str) {
        self.second += 10;
        let holder = self.people.iter().position(|person| person.0 == id);
        match (what, holder) {
            (0, None) => {
                let name = format!("{}", self.second);
                self.heard.push(Heard::Read(id, self.second, name.clone()));
                self.people.push((id, Vec::new(), name, true));
            }
            (1, Some(index)) => {
                self.people[index].3 = false;
                self.heard.push(Heard::Gone(id, self.second));
            }
            (2, holder) if !self.people.is_empty() => {
                let who = who % self.people.len();
                let is_taken = holder.is_some_and(|index| index == who || self.people[index].3);
                if is_taken {
                    return;
                }
                let former = self.people[who].0;
                self.heard.push(Heard::Renamed(former, id, self.second));
                let name = format!("{}", self.second);
                self.heard.push(Heard::Read(id, self.second + 3, name.clone()));
                let before = std::mem::take(&mut self.people[who].1);
                self.people[who] = (id, before.into_iter().chain([former]).collect(), name, true);
                if let Some(index) = holder {
                    self.people.remove(index);
                    self.displaced += 1;
                }
            }
            (_, Some(index)) => {
                let name = format!("{}", self.second);
                self.heard.push(Heard::Read(id, self.second, name.clone()));
                (self.people[index].2, self.people[index].3) = (name, true);
            }
            _ => {}
        }
    }

    fn truth(&self) -> (BTreeSet<Seen>, usize) {
        let show = |(id, former, name, is_here): &(&str, Vec<&str>, String, bool)| {
            let mut known = BTreeSet::from([id]);
            let former = former.iter().filter(|one| known.insert(*one)).map(|id| (*id).to_owned()).collect();
            ((*id).to_owned(), former, name.clone(), if *is_here { "active" } else { "left" })
        };
        (self.people.iter().map(show).collect(), self.displaced)
    }
}

fn companies() -> impl Strategy<Value = Company> {
    let deed = (0_u8..4, 0_usize..4, prop::sample::select(&IDS[..]));
    prop::collection::vec(deed, 1..14).prop_map(|deeds| {
        let mut company = Company::default();
        for (what, who, id) in deeds {
            company.happens(what, who, id);
        }
        company
    })
}

fn shuffled() -> impl Strategy<Value = (Company, Vec<usize>)> {
    companies().prop_flat_map(|company| {
        let count = company.heard.len();
        let again = prop::collection::vec(0..count.max(1), 0..8);
        let order = again.prop_map(move |again| {
            (0..count).chain(again.into_iter().filter(|index| *index < count)).collect::<Vec<_>>()
        });
        (Just(company), order.prop_shuffle())
    })
}

proptest! {
    #[test]
    fn what_is_heard_in_order_is_what_is_true(company in companies()) {
        let roster = told(company.heard.clone());
        prop_assert_eq!(seen(&roster), company.truth());
        prop_assert!(roster.people.values().all(|person| person.same_as.is_none()));
    }

    #[test]
    fn any_order_and_any_repetition_end_in_the_same_roster((company, order) in shuffled()) {
        let roster = told(order.iter().map(|index| company.heard[*index].clone()));
        let ((here, away), (truly_here, truly_away)) = (seen(&roster), company.truth());
        prop_assert_eq!(here, truly_here);
        // Of a reading only the newest is kept, so of somebody who lost their id there may be no trace.
        prop_assert!(away <= truly_away);
    }
}
