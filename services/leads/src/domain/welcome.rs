//! The welcome message of a relation: when it is sent, and what is known of it afterwards.

use scrm_kernel::Timestamp;

/// How often it is tried: once, and as often as the urgent ladder has rungs.
const MOST_ATTEMPTS: i32 = 4;

/// What is known of a welcome message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is to be sent.
    Wanted,
    /// WeCom is being called.
    Calling,
    /// WeCom has taken it.
    Sent,
    /// WeCom may have taken it; nobody can tell.
    Unknown,
    /// WeCom refused it.
    Refused,
    /// The 20 seconds were over before WeCom took it.
    Expired,
}

impl State {
    const ALL: [Self; 6] =
        [Self::Wanted, Self::Calling, Self::Sent, Self::Unknown, Self::Refused, Self::Expired];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Calling => "calling",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Reports whether nothing more will happen by itself.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Wanted | Self::Calling)
    }
}

/// How far the welcome message of one relation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is known of it.
    pub state: State,
    /// How often WeCom was called, or is being called.
    pub attempts: i32,
    /// An earlier call may have been heard.
    pub is_unclear: bool,
    /// Whoever calls has until then.
    pub lease_until: Option<Timestamp>,
    /// When the welcome code ends.
    pub expires_at: Timestamp,
}

/// What an event that asks for a welcome message leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is to be called; the progress may have changed all the same.
    Nothing(Progress),
    /// Somebody else calls, until then.
    Busy(Timestamp),
    /// Call with the code that is kept.
    Call(Progress),
    /// Call with the code of this event: the kept one is of no use any more.
    CallAnew(Progress),
}

/// The answer of WeCom to `send_welcome_msg` (document 92599), as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is sent.
    Sent,
    /// It is sent, without some of what was to be attached to it, for this reason.
    SentWithout(String),
    /// 41051: the chat has begun, or a welcome message was delivered.
    Started,
    /// 41050: the code is invalid or over.
    BadCode,
    /// Nothing was done, and it may work shortly.
    Later(String),
    /// It may have been done.
    Unclear(String),
    /// It will not work.
    Refused(String),
}

impl Progress {
    /// Returns a message that is to be sent.
    pub const fn wanted(expires_at: Timestamp) -> Self {
        Self { state: State::Wanted, attempts: 0, is_unclear: false, lease_until: None, expires_at }
    }

    /// Returns a message of which nobody has heard before: it is being sent, unless its code is over already.
    pub fn begun(now: Timestamp, lease_until: Timestamp, expires_at: Timestamp) -> Self {
        let new = Self::wanted(expires_at);
        if expires_at <= now { new.given_up(State::Expired) } else { new.called(lease_until) }
    }

    /// Decides what an event leads to whose own code ends at `code_ends` and is the kept one or not.
    pub fn turn(self, now: Timestamp, lease_until: Timestamp, code_ends: Timestamp, is_same: bool) -> Turn {
        match (self.state, self.lease_until) {
            (State::Sent | State::Unknown, _) => Turn::Nothing(self),
            (State::Calling, Some(until)) if until > now => Turn::Busy(until),
            (State::Wanted | State::Calling, _) if self.expires_at <= now => {
                let crashed = self.state == State::Calling;
                Turn::Nothing(
                    Self { is_unclear: self.is_unclear || crashed, ..self }.given_up(State::Expired),
                )
            }
            (State::Wanted | State::Calling, _) => {
                // A lease that is over: whoever had it may have called.
                let is_unclear = self.is_unclear || self.state == State::Calling;
                Turn::Call(Self { is_unclear, ..self }.called(lease_until))
            }
            (State::Refused | State::Expired, _) if is_same || code_ends <= now => Turn::Nothing(self),
            (State::Refused | State::Expired, _) => {
                Turn::CallAnew(Self::wanted(code_ends).called(lease_until))
            }
        }
    }

    const fn called(self, lease_until: Timestamp) -> Self {
        Self { state: State::Calling, attempts: self.attempts + 1, lease_until: Some(lease_until), ..self }
    }

    /// Notes what WeCom answered at `now`; returns whether to try again, and why.
    pub fn answered(self, answer: &Answer, now: Timestamp) -> (Self, Option<String>) {
        let rest = Self { lease_until: None, ..self };
        let is_over = self.attempts >= MOST_ATTEMPTS || self.expires_at <= now;
        let refused = if self.expires_at <= now { State::Expired } else { State::Refused };
        match answer {
            Answer::Sent | Answer::SentWithout(_) => (Self { state: State::Sent, ..rest }, None),
            // Our own earlier call was heard after all.
            Answer::Started if self.is_unclear => (Self { state: State::Sent, ..rest }, None),
            Answer::Started => (Self { state: State::Refused, ..rest }, None),
            Answer::BadCode | Answer::Refused(_) => (rest.given_up(refused), None),
            Answer::Unclear(_) if is_over => (Self { state: State::Unknown, ..rest }, None),
            Answer::Later(_) if is_over => (rest.given_up(refused), None),
            Answer::Unclear(reason) => {
                (Self { state: State::Wanted, is_unclear: true, ..rest }, Some(reason.clone()))
            }
            Answer::Later(reason) => (Self { state: State::Wanted, ..rest }, Some(reason.clone())),
        }
    }

    /// Ends it as `state`, unless an earlier call may have been heard.
    const fn given_up(self, state: State) -> Self {
        let state = if self.is_unclear { State::Unknown } else { state };
        Self { state, lease_until: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    const END: i64 = 20_000;

    fn at(ms: i64) -> Timestamp {
        from_millis(ms)
    }

    /// A message whose first call has begun.
    fn calling() -> Progress {
        match Progress::wanted(at(END)).turn(at(0), at(15_000), at(END), true) {
            Turn::Call(progress) => progress,
            turn => panic!("{turn:?}"),
        }
    }

    #[test]
    fn a_new_message_is_sent_unless_its_code_is_over() {
        let wanted = Progress::wanted(at(END));
        for now in [0, END - 1, END] {
            let begun = Progress::begun(at(now), at(15_000), at(END));
            let turn = wanted.turn(at(now), at(15_000), at(END), true);
            assert_eq!(turn, if now < END { Turn::Call(begun) } else { Turn::Nothing(begun) });
        }
    }

    #[test]
    fn a_clear_success_is_never_called_again() {
        let (sent, again) = calling().answered(&Answer::Sent, at(10));
        assert_eq!((sent.state, again), (State::Sent, None));
        for is_same in [true, false] {
            assert_eq!(sent.turn(at(20), at(15_000), at(END), is_same), Turn::Nothing(sent));
        }
    }

    #[test]
    fn a_delivered_message_after_an_unclear_call_is_ours_and_without_one_another_s() {
        let (unclear, again) = calling().answered(&Answer::Unclear("timeout".to_owned()), at(10));
        assert_eq!((unclear.state, again.as_deref()), (State::Wanted, Some("timeout")));
        let Turn::Call(second) = unclear.turn(at(400), at(15_400), at(END), true) else { panic!() };
        assert_eq!(second.answered(&Answer::Started, at(500)).0.state, State::Sent);
        assert_eq!(second.answered(&Answer::BadCode, at(500)).0.state, State::Unknown);
        assert_eq!(calling().answered(&Answer::Started, at(10)).0.state, State::Refused);
        assert_eq!(calling().answered(&Answer::BadCode, at(10)).0.state, State::Refused);
        assert_eq!(calling().answered(&Answer::BadCode, at(END)).0.state, State::Expired);
    }

    #[test]
    fn a_crash_leaves_a_lease_and_an_unclear_call() {
        let crashed = calling();
        assert_eq!(crashed.turn(at(14_999), at(1), at(END), true), Turn::Busy(at(15_000)));
        let Turn::Call(resumed) = crashed.turn(at(15_000), at(30_000), at(END), false) else { panic!() };
        assert!(resumed.is_unclear && resumed.attempts == 2);
        let Turn::Nothing(over) = crashed.turn(at(END), at(30_000), at(END), true) else { panic!() };
        assert_eq!(over.state, State::Unknown);
        let Turn::Nothing(over) = Progress::wanted(at(END)).turn(at(END), at(1), at(END), true) else {
            panic!()
        };
        assert_eq!(over.state, State::Expired);
    }

    #[test]
    fn another_code_helps_a_refused_one() {
        let (refused, _) = calling().answered(&Answer::BadCode, at(10));
        assert_eq!(refused.turn(at(20), at(15_000), at(END), true), Turn::Nothing(refused));
        let Turn::CallAnew(anew) = refused.turn(at(20), at(15_000), at(25_000), false) else { panic!() };
        assert_eq!((anew.attempts, anew.expires_at), (1, at(25_000)));
        assert_eq!(refused.turn(at(30_000), at(1), at(25_000), false), Turn::Nothing(refused));
    }

    #[test]
    fn trying_ends_with_the_ladder_or_the_code() {
        let mut progress = Progress::wanted(at(END));
        for attempt in 1..=4 {
            let Turn::Call(called) = progress.turn(at(attempt), at(15_000), at(END), true) else { panic!() };
            let (next, again) = called.answered(&Answer::Later("busy".to_owned()), at(attempt));
            assert_eq!(again.is_some(), attempt < 4, "{attempt}");
            progress = next;
        }
        assert_eq!(progress.state, State::Refused);
        let late = calling().answered(&Answer::Unclear("lost".to_owned()), at(END));
        assert_eq!((late.0.state, late.1), (State::Unknown, None));
    }
}
