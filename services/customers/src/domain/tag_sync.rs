//! How far WeCom has come with the tags of a relation: at most one call at a time, repeated freely.

use scrm_kernel::Timestamp;

/// Where the calls are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// No call is due.
    #[default]
    Synced,
    /// A call was asked for.
    Waiting,
    /// A call is being made, until its lease is over.
    Calling,
}

impl State {
    const ALL: [Self; 3] = [Self::Synced, Self::Waiting, Self::Calling];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Waiting => "waiting",
            Self::Calling => "calling",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// The calls of a relation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagSync {
    /// Where they are.
    pub state: State,
    /// The number of the newest one.
    pub attempt: i32,
    /// Until when it may last.
    pub lease_until: Option<Timestamp>,
    /// Why the last one did not come to an answer.
    pub problem: Option<String>,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Nothing,
    /// Somebody else is at it until then.
    Busy(Timestamp),
    /// A call, with the number `attempt`.
    Call,
}

/// What happens after a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// Nothing.
    Rest,
    /// Something else is wanted by now: the next call is due at once.
    GoOn,
    /// The call is repeated after a while.
    Retry(String),
}

impl TagSync {
    /// Wants a call; returns whether it has to be asked for.
    pub fn want(&mut self, now: Timestamp) -> bool {
        let is_calling = self.state == State::Calling && self.lease_until.is_some_and(|until| until > now);
        // Whoever is calling looks again. A call that waits to be repeated may do so for an hour, or for ever.
        let is_asked_for = self.state == State::Waiting && self.problem.is_none();
        if is_calling || is_asked_for {
            return false;
        }
        (self.state, self.problem) = (State::Waiting, None);
        true
    }

    /// Says what is to be done, and claims the call.
    pub fn turn(&mut self, is_due: bool, now: Timestamp, lease_until: Timestamp) -> Turn {
        if let Some(until) = self.lease_until.filter(|until| self.state == State::Calling && *until > now) {
            return Turn::Busy(until);
        }
        if !is_due {
            (self.state, self.lease_until, self.problem) = (State::Synced, None, None);
            return Turn::Nothing;
        }
        (self.state, self.lease_until) = (State::Calling, Some(lease_until));
        self.attempt += 1;
        Turn::Call
    }

    /// Takes in that a call ended, with a problem if it is to be repeated.
    pub fn answered(&mut self, problem: Option<String>, is_due: bool) -> After {
        self.lease_until = None;
        self.state = if is_due { State::Waiting } else { State::Synced };
        self.problem = problem.filter(|_| is_due);
        match self.problem.clone() {
            Some(problem) => After::Retry(problem),
            None if is_due => After::GoOn,
            None => After::Rest,
        }
    }
}
