//! What each thing that is told of a transfer does, alone and in any order.

use proptest::prelude::*;
use scrm_kernel::time::from_millis;

use super::*;

const HOUR: i64 = 3_600_000;
const LEASE: i64 = 120_000;

fn at(ms: i64) -> Timestamp {
    from_millis(ms)
}

fn trouble() -> Trouble {
    Trouble::said("trouble")
}

fn called(progress: Progress, now: i64) -> Progress {
    match progress.turn(at(now), at(now + LEASE)) {
        Turn::Call(progress) => progress,
        turn => panic!("{turn:?}"),
    }
}

/// A transfer that WeCom is asked for.
fn calling() -> Progress {
    called(Progress::wanted(at(0)), 0)
}

/// A transfer that WeCom has begun.
fn waiting() -> Progress {
    calling().answered(1, &Answer::Accepted, at(10)).0
}

#[test]
fn an_accepted_transfer_is_never_asked_for_again() {
    let waiting = waiting();
    assert_eq!((waiting.state, waiting.accepted_at), (State::Waiting, Some(at(10))));
    assert_eq!(waiting.clone().turn(at(LEASE), at(2 * LEASE)), Turn::Nothing);
    assert_eq!(waiting.clone().answered(1, &Answer::Refused(trouble()), at(20)), (waiting, None));
}

#[test]
fn a_crash_leaves_a_lease_and_an_unclear_request() {
    let crashed = calling();
    assert_eq!(crashed.clone().turn(at(LEASE - 1), at(1)), Turn::Busy(at(LEASE)));
    // Nobody looks while somebody may be asking.
    assert_eq!(crashed.clone().seen(Seen::Done, at(LEASE - 1)), crashed);
    let resumed = called(crashed, LEASE);
    assert!(resumed.is_unclear && resumed.attempts == 2);
    // What the first one heard after all counts if it is good.
    assert_eq!(
        resumed.clone().answered(1, &Answer::Refused(trouble()), at(LEASE + 1)),
        (resumed.clone(), None)
    );
    assert_eq!(resumed.answered(1, &Answer::Accepted, at(LEASE + 1)).0.state, State::Waiting);
}

#[test]
fn asking_ends_with_the_ladder() {
    for (answer, state) in
        [(Answer::Later(trouble()), State::Failed), (Answer::Unclear(trouble()), State::Calling)]
    {
        let mut progress = Progress::wanted(at(0));
        for attempt in 1_i32..=5 {
            let (next, again) = called(progress, attempt.into()).answered(attempt, &answer, at(5));
            assert_eq!(again.is_some(), attempt < 5, "{attempt}");
            assert_eq!(next.trouble, Some(trouble()));
            progress = next;
        }
        assert_eq!(progress.state, state);
        if state == State::Calling {
            assert_eq!(progress.look_at, Some(at(5)), "WeCom's list tells");
            assert_eq!(progress.clone().seen(Seen::Waiting, at(6)).state, State::Waiting);
            assert_eq!(progress.clone().seen(Seen::Done, at(6)).state, State::Done);
            assert_eq!(progress.seen(Seen::Nothing, at(6)).state, State::Unknown);
        }
    }
}

#[test]
fn what_nobody_asks_for_any_more_has_failed_unless_wecom_may_have_heard() {
    let failed = Progress::wanted(at(0)).given_up(at(9));
    assert_eq!((failed.state, failed.settled_at), (State::Failed, Some(at(9))));
    assert!(failed.trouble.clone().unwrap().words.contains("given up"), "{failed:?}");
    assert_eq!(failed.clone().turn(at(10), at(LEASE)), Turn::Nothing, "the letter may be put back");
    assert_eq!(failed.clone().given_up(at(20)), failed);
    let later = calling().answered(1, &Answer::Later(trouble()), at(5)).0.given_up(at(9));
    assert_eq!((later.state, later.trouble), (State::Failed, Some(trouble())));

    let unclear = calling().answered(1, &Answer::Unclear(trouble()), at(5)).0.given_up(at(9));
    assert_eq!((unclear.state, unclear.look_at), (State::Calling, Some(at(9))));
    assert_eq!(unclear.clone().seen(Seen::Waiting, at(9)).state, State::Waiting);
    assert_eq!(unclear.seen(Seen::Nothing, at(9)).state, State::Unknown);
    // Whoever calls may still be heard, and answered.
    let crashed = calling().given_up(at(9));
    assert_eq!((crashed.state, crashed.look_at), (State::Calling, Some(at(LEASE))));
    assert_eq!(crashed.clone().seen(Seen::Nothing, at(9)), crashed);
    assert_eq!(crashed.clone().answered(1, &Answer::Accepted, at(10)).0.state, State::Waiting);
    assert_eq!(crashed.seen(Seen::Nothing, at(LEASE)).state, State::Unknown);

    assert_eq!(waiting().given_up(at(9)), waiting());
}

#[test]
fn the_list_settles_what_waits() {
    let later = 10 + 24 * HOUR;
    for (seen, state) in [
        (Seen::Done, State::Done),
        (Seen::Waiting, State::Waiting),
        (Seen::Refused, State::Refused),
        (Seen::TooMany, State::Failed),
        (Seen::Nothing, State::Waiting),
    ] {
        let after = waiting().seen(seen, at(later));
        assert_eq!(after.state, state, "{seen:?}");
        assert_eq!(after.settled_at.is_some(), state.is_settled());
        assert_eq!(after.look_at.is_some(), !state.is_settled());
    }
    assert_eq!(waiting().seen(Seen::Nothing, at(10 + 48 * HOUR)).state, State::Unknown);
}

#[test]
fn a_callback_settles_at_once_unless_it_is_of_an_earlier_transfer() {
    let told = |progress: Progress, trouble, at_ms| progress.told_failed(trouble, at(at_ms), at(50)).state;
    assert_eq!(told(waiting(), None, 40), State::Refused);
    assert_eq!(told(waiting(), Some(trouble()), 40), State::Failed);
    assert_eq!(told(calling(), None, 40), State::Refused);
    assert_eq!(told(Progress::wanted(at(0)), None, 40), State::Wanted);
    assert_eq!(told(waiting(), None, -HOUR), State::Waiting);
    assert_eq!(waiting().told_gone(at(40), at(50)).state, State::Done);
    assert_eq!(waiting().told_gone(at(-HOUR), at(50)).state, State::Waiting);
    assert_eq!(calling().told_gone(at(40), at(50)), calling());
}

/// Something that happens to a transfer.
#[derive(Debug, Clone)]
enum Deed {
    Request,
    Answer(i32, Answer),
    See(Seen),
    Fail(Option<Trouble>, i64),
    Gone(i64),
    GiveUp,
}

fn deed() -> impl Strategy<Value = Deed> {
    let answer = prop_oneof![
        Just(Answer::Accepted),
        Just(Answer::Later(trouble())),
        Just(Answer::Unclear(trouble())),
        Just(Answer::Refused(trouble())),
    ];
    let seen =
        prop::sample::select(vec![Seen::Nothing, Seen::TooMany, Seen::Refused, Seen::Done, Seen::Waiting]);
    prop_oneof![
        3 => Just(Deed::Request),
        3 => (1..4, answer).prop_map(|(attempt, answer)| Deed::Answer(attempt, answer)),
        2 => seen.prop_map(Deed::See),
        1 => (prop::option::of(Just(trouble())), -HOUR..HOUR).prop_map(|(trouble, at)| Deed::Fail(trouble, at)),
        1 => (-HOUR..HOUR).prop_map(Deed::Gone),
        1 => Just(Deed::GiveUp),
    ]
}

fn done(progress: Progress, deed: &Deed, now: i64) -> Progress {
    match deed {
        Deed::Request => match progress.clone().turn(at(now), at(now + LEASE)) {
            Turn::Call(called) => called,
            Turn::Nothing | Turn::Busy(_) => progress,
        },
        Deed::Answer(attempt, answer) => progress.answered(*attempt, answer, at(now)).0,
        Deed::See(seen) => progress.seen(*seen, at(now)),
        Deed::Fail(trouble, moment) => progress.told_failed(trouble.clone(), at(*moment), at(now)),
        Deed::Gone(moment) => progress.told_gone(at(*moment), at(now)),
        Deed::GiveUp => progress.given_up(at(now)),
    }
}

proptest! {
    #[test]
    fn any_order_of_what_is_told_ends_in_one_settled_state(
        deeds in prop::collection::vec((deed(), 0..HOUR), 0..40),
    ) {
        let (mut progress, mut now) = (Progress::wanted(at(0)), 0);
        for (deed, later) in &deeds {
            now += later;
            let after = done(progress.clone(), deed, now);
            prop_assert!(!progress.state.is_settled() || after == progress, "{:?} after {:?}", after, deed);
            prop_assert_eq!(after.state.is_settled(), after.settled_at.is_some());
            // What is not settled is asked for, or looked for: nothing is forgotten.
            let is_followed = after.state == State::Wanted || after.look_at.is_some();
            prop_assert!(after.state.is_settled() || is_followed, "{:?}", after);
            progress = after;
        }
        // Nothing comes any more but the request's own repetitions and looks that find nothing.
        for attempt in 1..=12 {
            progress = done(progress, &Deed::Request, now);
            progress = done(progress, &Deed::Answer(attempt, Answer::Unclear(trouble())), now);
            now += 49 * HOUR;
            if progress.look_at.is_some_and(|moment| moment <= at(now)) {
                progress = done(progress, &Deed::See(Seen::Nothing), now);
            }
        }
        prop_assert!(progress.state.is_settled(), "{:?}", progress);
    }
}
