//! Every way a channel's call can go.

use scrm_kernel::time::from_millis;

use super::*;

fn way(users: &[&str]) -> Way {
    let users = users.iter().map(|user| WecomUserId::parse(user).unwrap()).collect();
    Way { users, remark: String::new(), skip_verify: true }
}

fn at(second: i64) -> Timestamp {
    from_millis(second * 1000)
}

fn called(sync: WaySync, second: i64) -> (WaySync, Work) {
    match sync.turn(at(second), at(second + 120)) {
        Turn::Call(sync, work) => (sync, work),
        other => panic!("{other:?}"),
    }
}

fn synced() -> WaySync {
    let (sync, work) = called(WaySync::new(way(&["A"]), at(0)), 1);
    assert_eq!(work, Work::Make { unclear_since: None });
    let sync = WaySync { config_id: Some("c1".to_owned()), ..sync };
    let (sync, after) = sync.answered(&way(&["A"]), &work, Ok(()));
    assert_eq!((sync.state, after), (State::Synced, After::Rest));
    sync
}

#[test]
fn what_is_wanted_is_called_for_once() {
    let (sync, is_due) = synced().wanting(way(&["B"]), false, at(10));
    assert!(is_due);
    let (sync, is_due) = sync.wanting(way(&["B"]), false, at(11));
    assert!(!is_due, "it was asked for");
    let (sync, is_due) = sync.wanting(way(&["C"]), false, at(11));
    assert!(!is_due, "the same call will do");
    let (sync, _) = sync.wanting(way(&["B"]), false, at(11));
    let (sync, work) = called(sync, 12);
    assert_eq!(work, Work::Change("c1".to_owned()));
    assert_eq!(sync.clone().turn(at(13), at(133)), Turn::Busy(at(132)));
    let (sync, _) = sync.answered(&way(&["B"]), &work, Ok(()));
    assert_eq!(sync.clone().turn(at(14), at(134)), Turn::Nothing(sync));
}

#[test]
fn what_moves_during_a_call_is_called_for_next() {
    let (sync, work) = called(synced().wanting(way(&["B"]), false, at(10)).0, 11);
    let (sync, is_due) = sync.wanting(way(&["C"]), false, at(12));
    assert!(!is_due, "whoever is calling goes on");
    for answer in [Ok(()), Err(Trouble::Refused("no".to_owned()))] {
        let (sync, after) = sync.clone().answered(&way(&["B"]), &work, answer);
        assert_eq!((sync.state, after), (State::Waiting, After::GoOn));
        assert_eq!(called(sync, 13).0.wanted, way(&["C"]));
    }
}

#[test]
fn what_moves_while_a_call_waits_for_its_repetition_is_called_for_at_once() {
    let (sync, work) = called(synced().wanting(way(&["B"]), false, at(10)).0, 11);
    let (sync, after) = sync.answered(&way(&["B"]), &work, Err(Trouble::Later("45009".to_owned())));
    assert_eq!(after, After::Retry("45009".to_owned()));
    assert!(!sync.clone().wanting(way(&["B"]), false, at(12)).1);
    let (sync, is_due) = sync.wanting(way(&["C"]), false, at(12));
    assert!(is_due);
    assert_eq!(called(sync, 13).0.wanted, way(&["C"]));
}

#[test]
fn a_list_that_moved_back_during_an_unclear_call_is_called_for_again() {
    let (sync, work) = called(synced().wanting(way(&["B"]), false, at(10)).0, 11);
    let (sync, _) = sync.wanting(way(&["A"]), false, at(12));
    let unclear = Err(Trouble::Unclear("timeout".to_owned()));
    let (sync, after) = sync.answered(&way(&["B"]), &work, unclear);
    assert_eq!(after, After::Retry("timeout".to_owned()));
    // WeCom may have B, although A was taken last for certain.
    assert_eq!(called(sync, 22).1, Work::Change("c1".to_owned()));
}

#[test]
fn whoever_may_have_made_a_way_looks_before_making_another() {
    let looking = Work::Make { unclear_since: Some(at(1)) };
    let (calling, work) = called(WaySync::new(way(&["A"]), at(0)), 1);
    let unclear = Err(Trouble::Unclear("timeout".to_owned()));
    let (waiting, _) = calling.clone().answered(&way(&["A"]), &work, unclear.clone());
    let (again, work) = called(waiting, 11);
    assert_eq!(work, looking, "after an unclear call");
    let (again, _) = again.answered(&way(&["A"]), &work, unclear);
    assert_eq!(called(again, 71).1, looking, "from the first unclear call on");
    assert_eq!(called(calling.clone(), 121).1, looking, "after a crash");
    let (stuck, is_due) = calling.wanting(way(&["A"]), false, at(4000));
    assert!(is_due);
    assert_eq!(called(stuck, 4001).1, looking, "after a message that was lost");
}

#[test]
fn what_wecom_refuses_rests_until_something_moves_or_an_hour_is_over() {
    let (sync, work) = called(synced().wanting(way(&["B"]), false, at(10)).0, 11);
    let (failed, after) = sync.answered(&way(&["B"]), &work, Err(Trouble::Refused("60111".to_owned())));
    assert_eq!((failed.state, after), (State::Failed, After::Rest));
    assert_eq!(failed.problem.as_deref(), Some("60111"));
    assert_eq!(failed.clone().turn(at(12), at(132)), Turn::Nothing(failed.clone()));
    assert!(!failed.clone().wanting(way(&["B"]), false, at(3610)).1);
    assert!(failed.clone().wanting(way(&["B"]), false, at(3611)).1);
    assert!(failed.wanting(way(&["C"]), false, at(12)).1);
    assert!(!synced().wanting(way(&["A"]), false, at(1_000_000)).1);
}

#[test]
fn an_end_deletes_what_is_there_and_what_may_be() {
    let ended = |sync: WaySync| sync.wanting(way(&["A"]), true, at(10)).0;
    let (sync, work) = called(ended(synced()), 11);
    assert_eq!(work, Work::Delete("c1".to_owned()));
    assert_eq!(sync.answered(&way(&["A"]), &work, Ok(())).1, After::Gone);

    assert_eq!(ended(WaySync::new(way(&["A"]), at(0))).turn(at(11), at(131)), Turn::Gone);

    let (calling, work) = called(WaySync::new(way(&["A"]), at(0)), 1);
    let unclear = Err(Trouble::Unclear("timeout".to_owned()));
    let (unclear, _) = ended(calling.clone()).answered(&way(&["A"]), &work, unclear);
    assert_eq!(called(unclear, 21).1, Work::FindAndDelete(at(1)));

    let made = WaySync { config_id: Some("c1".to_owned()), ..ended(calling) };
    let (made, after) = made.answered(&way(&["A"]), &work, Ok(()));
    assert_eq!(after, After::GoOn);
    assert_eq!(called(made, 21).1, Work::Delete("c1".to_owned()));
}
