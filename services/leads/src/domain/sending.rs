//! Something that WeCom is asked to do once: when it is tried, and what is known of it afterwards.

use std::time::Duration;

use scrm_kernel::Timestamp;

/// How often it is tried when it ends unclear: once, and as often as the ladder has rungs.
const MOST_ATTEMPTS: i32 = 5;
/// Messages that one member may get within two minutes, the present one and the one before.
///
/// WeCom silently drops what one member gets beyond 30 a minute and 1000 an hour (document 90236), and does not say
/// where its minutes begin. Any 60 seconds lie within two of ours; 5 are in reserve for what must not be put off.
const MOST_IN_TWO_MINUTES: i32 = 25;

/// What is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is to be done.
    Wanted,
    /// WeCom is being called.
    Calling,
    /// WeCom has taken it.
    Sent,
    /// WeCom may have taken it; nobody can tell.
    Unknown,
    /// WeCom refused it.
    Refused,
    /// It is not done by itself: it is told together with others, or out of date.
    Skipped,
}

impl State {
    const ALL: [Self; 6] =
        [Self::Wanted, Self::Calling, Self::Sent, Self::Unknown, Self::Refused, Self::Skipped];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Calling => "calling",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
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

/// How far it has come.
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
}

/// What an event that asks for it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is to be called; the progress may have changed all the same.
    Nothing(Progress),
    /// Somebody else calls, until then.
    Busy(Timestamp),
    /// Call.
    Call(Progress),
}

/// The answer of WeCom, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Sent,
    /// It cannot be done twice, and was done before.
    Spent(String),
    /// Nothing was done, and it may work later.
    Later(String),
    /// It may have been done.
    Unclear(String),
    /// It will not work.
    Refused(String),
}

impl Answer {
    /// Returns what went wrong.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Sent => None,
            Self::Spent(problem) | Self::Later(problem) | Self::Unclear(problem) | Self::Refused(problem) => {
                Some(problem.clone())
            }
        }
    }
}

impl Progress {
    /// Returns what is to be done.
    pub const fn wanted() -> Self {
        Self { state: State::Wanted, attempts: 0, is_unclear: false, lease_until: None }
    }

    /// Returns what nobody has tried before, and is being done by whoever has it until `lease_until`.
    pub const fn begun(lease_until: Timestamp) -> Self {
        Self { state: State::Calling, attempts: 1, is_unclear: false, lease_until: Some(lease_until) }
    }

    /// Decides what to do now; until `repeatable_until` WeCom drops a repetition, later it would be a second one.
    pub fn turn(self, now: Timestamp, lease: Duration, repeatable_until: Timestamp) -> Turn {
        match (self.state, self.lease_until) {
            (State::Calling, Some(until)) if until > now => Turn::Busy(until),
            (State::Wanted | State::Calling, _) => {
                // A lease that is over: whoever had it may have called.
                let is_unclear = self.is_unclear || self.state == State::Calling;
                let this = Self { is_unclear, ..self };
                if is_unclear && now >= repeatable_until {
                    return Turn::Nothing(this.ended(State::Unknown));
                }
                Turn::Call(Self {
                    state: State::Calling,
                    attempts: this.attempts + 1,
                    lease_until: Some(now + lease),
                    ..this
                })
            }
            _ => Turn::Nothing(self),
        }
    }

    /// Notes what WeCom answered; returns whether to try again, and why.
    pub fn answered(self, answer: &Answer) -> (Self, Option<String>) {
        let rest = Self { lease_until: None, ..self };
        match answer {
            Answer::Sent => (Self { state: State::Sent, ..rest }, None),
            // Our own earlier call was heard after all.
            Answer::Spent(_) if self.is_unclear => (Self { state: State::Sent, ..rest }, None),
            Answer::Spent(_) | Answer::Refused(_) => (self.ended(State::Refused), None),
            Answer::Unclear(_) if self.attempts >= MOST_ATTEMPTS => {
                (Self { state: State::Unknown, is_unclear: true, ..rest }, None)
            }
            Answer::Unclear(reason) => {
                (Self { state: State::Wanted, is_unclear: true, ..rest }, Some(reason.clone()))
            }
            Answer::Later(reason) => (Self { state: State::Wanted, ..rest }, Some(reason.clone())),
        }
    }

    /// Ends it as `state`, unless an earlier call may have been heard.
    #[must_use]
    pub const fn ended(self, state: State) -> Self {
        let state = if self.is_unclear { State::Unknown } else { state };
        Self { state, lease_until: None, ..self }
    }
}

/// Returns when the minute of a moment begins.
pub fn minute_of(moment: Timestamp) -> Timestamp {
    let millis = moment.timestamp_millis();
    scrm_kernel::time::from_millis(millis - millis.rem_euclid(60_000))
}

/// Reports whether a member may get one more message, after so many this minute and the minute before.
pub const fn fits(this_minute: i32, minute_before: i32) -> bool {
    this_minute + minute_before < MOST_IN_TWO_MINUTES
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    const LEASE: Duration = Duration::from_secs(30);
    const REPEATABLE: i64 = 10_000_000;

    fn turn(progress: Progress, ms: i64) -> Turn {
        progress.turn(from_millis(ms), LEASE, from_millis(REPEATABLE))
    }

    #[test]
    fn what_nobody_has_tried_begins_as_a_turn_would_have_it() {
        assert_eq!(turn(Progress::wanted(), 5), Turn::Call(Progress::begun(from_millis(5) + LEASE)));
    }

    fn called(progress: Progress, ms: i64) -> Progress {
        let Turn::Call(progress) = turn(progress, ms) else { panic!("{progress:?} is to be called") };
        progress
    }

    fn unclear() -> Answer {
        Answer::Unclear("timed out".to_owned())
    }

    #[test]
    fn a_call_is_not_made_twice_while_its_lease_lasts_and_is_unclear_afterwards() {
        let calling = called(Progress::wanted(), 0);
        assert_eq!(turn(calling, 29_999), Turn::Busy(from_millis(30_000)));
        let again = called(calling, 30_000);
        assert_eq!((again.attempts, again.is_unclear), (2, true));
        assert_eq!(again.answered(&Answer::Sent).0.state, State::Sent);
    }

    #[test]
    fn what_wecom_may_have_is_repeated_only_while_it_drops_repetitions() {
        let (wanted, again) = called(Progress::wanted(), 0).answered(&unclear());
        assert_eq!((wanted.state, again.as_deref()), (State::Wanted, Some("timed out")));
        assert!(matches!(turn(wanted, REPEATABLE - 1), Turn::Call(_)));
        let Turn::Nothing(ended) = turn(wanted, REPEATABLE) else { panic!("too late to repeat") };
        assert_eq!(ended.state, State::Unknown);
        // What it surely has not may be sent at any time.
        let (refused, _) = called(Progress::wanted(), 0).answered(&Answer::Later("busy".to_owned()));
        assert!(matches!(turn(refused, REPEATABLE), Turn::Call(_)));
    }

    #[test]
    fn answers_mean_something_else_after_an_unclear_call() {
        let spent = Answer::Spent("60140".to_owned());
        let refused = Answer::Refused("81013".to_owned());
        let first = called(Progress::wanted(), 0);
        let second = called(first.answered(&unclear()).0, 1);
        let states = |answer| [first, second].map(|progress| progress.answered(answer).0.state);
        assert_eq!(states(&spent), [State::Refused, State::Sent]);
        assert_eq!(states(&refused), [State::Refused, State::Unknown]);
    }

    #[test]
    fn it_is_not_repeated_for_ever_when_nobody_can_tell() {
        let mut progress = Progress::wanted();
        for attempt in 1..=MOST_ATTEMPTS {
            let (after, again) = called(progress, attempt.into()).answered(&unclear());
            assert_eq!(again.is_some(), attempt < MOST_ATTEMPTS);
            progress = after;
        }
        assert_eq!(progress.state, State::Unknown);
        assert_eq!(turn(progress, 99), Turn::Nothing(progress));
    }

    #[test]
    fn no_sixty_seconds_hold_more_than_wecom_delivers() {
        assert!(fits(0, 24) && fits(24, 0) && fits(12, 12));
        assert!(!fits(0, 25) && !fits(25, 0) && !fits(12, 13));
        assert_eq!(minute_of(from_millis(119_999)), from_millis(60_000));
        assert_eq!(minute_of(from_millis(-1)), from_millis(-60_000));
    }
}
