//! Rules, without a database.

use std::collections::BTreeSet;

use scrm_kernel::time::from_millis;

use super::standing::{End, Fact, RemovedBy, Standing};
use super::tag_sync::{After, State, TagSync, Turn};
use super::tagging::{Due, Outcome, Tagging};

fn at(second: i64) -> Fact {
    Fact { occurred_at: from_millis(second * 1000), received_seq: second }
}

#[test]
fn events_of_one_second_are_settled_by_their_order_of_arrival() {
    let (first, second) = (Fact { received_seq: 1, ..at(10) }, Fact { received_seq: 2, ..at(10) });
    let mut left = Standing::default();
    left.note_removed(second, RemovedBy::Member);
    left.note_added(first);
    assert_eq!(left.end(None).map(|end| end.by), Some(RemovedBy::Member));
    let mut back = Standing::default();
    back.note_added(second);
    back.note_removed(first, RemovedBy::Member);
    assert_eq!(back.end(None), None);
}

#[test]
fn a_reading_close_to_an_event_decides_nothing() {
    let mut standing = Standing::default();
    standing.note_added(at(10));
    assert_eq!(standing.end(Some(at(12))), None);
    assert_eq!(standing.end(Some(at(13))), Some(End { by: RemovedBy::Unknown, at: None }));
    standing.note_removed(at(20), RemovedBy::Member);
    standing.note_listed(at(21), None);
    assert!(standing.end(Some(at(21))).is_some());
    standing.note_listed(at(23), None);
    assert_eq!(standing.end(Some(at(23))), None);
}

#[test]
fn nobody_is_a_contact_of_whom_nothing_was_told() {
    assert_eq!(Standing::default().end(None), Some(End { by: RemovedBy::Unknown, at: None }));
    assert_eq!(Standing::default().since(), None);
}

fn tags(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    tags(ids).into_iter().collect()
}

fn done(tag: &str, is_on: bool) -> Outcome {
    Outcome { tag: tag.to_owned(), is_on, refusal: None }
}

#[test]
fn a_wish_stands_against_readings_until_wecom_took_it() {
    let mut tagging = Tagging::default();
    tagging.read(&tags(&["a", "b"]), at(10).occurred_at);
    tagging.want_exactly(&set(&["b", "c"]), at(20).occurred_at);
    assert_eq!(tagging.due(), Due { add: tags(&["c"]), remove: tags(&["a"]) });
    // Read before and after the wish: WeCom was not asked yet.
    for second in [15, 25] {
        assert!(tagging.read(&tags(&["a", "b"]), at(second).occurred_at).is_empty());
        assert_eq!(tagging.on(), ["b", "c"].into());
    }
    let changes = tagging.answered(&[done("c", true), done("a", false)], at(30).occurred_at);
    assert_eq!(changes, [("c".to_owned(), true), ("a".to_owned(), false)]);
    assert!(tagging.due().is_empty());
    // Read before WeCom took it, told late.
    assert!(tagging.read(&tags(&["a", "b"]), at(29).occurred_at).is_empty());
    assert_eq!(tagging.on(), ["b", "c"].into());
    // Somebody changed it in WeCom afterwards.
    tagging.read(&tags(&["a"]), at(40).occurred_at);
    assert_eq!(tagging.on(), ["a"].into());
    assert!(tagging.due().is_empty());
}

#[test]
fn what_somebody_did_in_wecom_is_not_done_again() {
    let mut tagging = Tagging::default();
    tagging.want("a", true, at(10).occurred_at);
    tagging.read(&tags(&["a"]), at(20).occurred_at);
    assert!(tagging.due().is_empty());
    assert_eq!(tagging.on(), ["a"].into());
}

#[test]
fn a_refused_wish_is_made_again_only_when_it_is_wanted_again() {
    let mut tagging = Tagging::default();
    tagging.want("a", true, at(10).occurred_at);
    let refused = Outcome { refusal: Some("no such tag".to_owned()), ..done("a", true) };
    tagging.answered(&[refused], at(11).occurred_at);
    assert!(tagging.due().is_empty());
    tagging.read(&[], at(20).occurred_at);
    assert!(tagging.marks["a"].wish.is_some(), "the refusal stays readable");
    tagging.want("a", true, at(30).occurred_at);
    assert_eq!(tagging.due().add, ["a"]);
}

#[test]
fn what_is_wanted_otherwise_during_a_call_is_due_after_it() {
    let mut tagging = Tagging::default();
    tagging.want("a", true, at(10).occurred_at);
    tagging.want("a", false, at(11).occurred_at);
    tagging.answered(&[done("a", true)], at(12).occurred_at);
    assert_eq!(tagging.due(), Due { add: Vec::new(), remove: tags(&["a"]) });
    let refused = Outcome { refusal: Some("busy".to_owned()), ..done("a", true) };
    tagging.answered(&[refused], at(13).occurred_at);
    assert_eq!(tagging.due().remove, ["a"], "the refusal was of another wish");
}

#[test]
fn calls_are_asked_for_once_and_one_is_made_at_a_time() {
    let (now, lease, later) = (at(10).occurred_at, at(100).occurred_at, at(101).occurred_at);
    let mut sync = TagSync::default();
    assert!(sync.want(now) && !sync.want(now));
    assert_eq!(sync.turn(true, now, lease), Turn::Call);
    assert!(!sync.want(now), "whoever is calling goes on by itself");
    assert_eq!(sync.turn(true, now, lease), Turn::Busy(lease));
    assert_eq!(sync.clone().turn(true, later, lease), Turn::Call, "the process died");
    let mut failed = sync.clone();
    assert_eq!(failed.answered(Some("slow".to_owned()), true), After::Retry("slow".to_owned()));
    assert!(failed.want(now), "what waits for its next attempt is asked for at once");
    assert_eq!(sync.clone().answered(None, true), After::GoOn);
    assert_eq!(sync.answered(Some("slow".to_owned()), false), After::Rest);
    assert_eq!((sync.state, &sync.problem), (State::Synced, &None));
    assert_eq!(sync.turn(false, now, lease), Turn::Nothing);
}

#[test]
fn tags_of_one_relation_under_two_ids_are_put_together() {
    let tag = |tag: &str| vec![tag.to_owned()];
    let second = |second: i64| from_millis(second * 1000);
    let mut former = Tagging::default();
    former.read(&[tag("a"), tag("b"), tag("taken")].concat(), second(10));
    former.want("wanted", true, second(20));
    former.want("b", false, second(20));
    former.want("late", true, second(20));
    former.answered(&[Outcome { tag: "late".to_owned(), is_on: true, refusal: None }], second(40));
    let mut present = Tagging::default();
    present.read(&[tag("a"), tag("b"), tag("new")].concat(), second(30));
    present.want("wanted", false, second(15));

    let joined = present.clone().joined(former.clone(), Some(second(30)));
    // Taken off in WeCom before the last reading; `late` was put on after it.
    assert_eq!(joined.on(), BTreeSet::from(["a", "late", "new", "wanted"]));
    let due = Due { add: tag("wanted"), remove: tag("b") };
    assert_eq!(joined.due(), due);
    assert_eq!(joined.clone().joined(former, Some(second(30))), joined, "once more changes nothing");
}
