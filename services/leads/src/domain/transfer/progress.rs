//! How far a transfer is, and what each thing that is told of it does.

use std::time::Duration;

use scrm_kernel::Timestamp;

use super::{State, Trouble};

/// How often WeCom is asked: once, and as often as the standard ladder has rungs.
const MOST_ATTEMPTS: i32 = 5;
/// How long until a transfer is looked for again that waits for the customer.
pub const LOOK_EVERY: Duration = Duration::from_mins(10);
/// Longer than any wait of the ladder: then nobody will ask WeCom any more, and somebody has to look.
const ABANDONED: Duration = Duration::from_hours(2);
/// What WeCom's list does not show so long after the transfer began, it never will.
const LOST: Duration = Duration::from_hours(48);
/// WeCom's clock and ours may differ so much.
const SKEW: Duration = Duration::from_mins(5);

/// How far a transfer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is known of it.
    pub state: State,
    /// How often WeCom was asked, or is being asked.
    pub attempts: i32,
    /// An earlier request may have been heard.
    pub is_unclear: bool,
    /// Whoever asks has until then.
    pub lease_until: Option<Timestamp>,
    /// When somebody wanted it.
    pub requested_at: Timestamp,
    /// When WeCom was known to have begun.
    pub accepted_at: Option<Timestamp>,
    /// When WeCom's list is to be looked at.
    pub look_at: Option<Timestamp>,
    /// When its state became final.
    pub settled_at: Option<Timestamp>,
    /// The last thing that did not work.
    pub trouble: Option<Trouble>,
}

/// What an event that asks for a transfer leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is to be called.
    Nothing,
    /// Somebody else asks WeCom, until then.
    Busy(Timestamp),
    /// Ask WeCom; after an unclear request, look first.
    Call(Progress),
}

/// The answer of WeCom, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has begun, with this request or with an earlier one.
    Accepted,
    /// Nothing was done, and it may work later.
    Later(Trouble),
    /// It may have begun.
    Unclear(Trouble),
    /// It will not work.
    Refused(Trouble),
}

/// What WeCom's list of transfers between two members says about a customer; of several rows the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// Nothing, or nothing of this transfer.
    Nothing,
    /// The new owner has too many customers.
    TooMany,
    /// The customer refused.
    Refused,
    /// The customer went over.
    Done,
    /// The customer may still refuse.
    Waiting,
}

impl Progress {
    /// Returns a transfer that somebody wants at `now`.
    pub const fn wanted(now: Timestamp) -> Self {
        Self {
            state: State::Wanted,
            attempts: 0,
            is_unclear: false,
            lease_until: None,
            requested_at: now,
            accepted_at: None,
            look_at: None,
            settled_at: None,
            trouble: None,
        }
    }

    /// Reports whether something that happened then, by WeCom's clock, may belong to this transfer.
    pub fn may_cause(&self, moment: Timestamp) -> bool {
        moment + SKEW >= self.requested_at
    }

    /// Decides what the request leads to, also when it comes again.
    pub fn turn(self, now: Timestamp, lease_until: Timestamp) -> Turn {
        match (self.state, self.lease_until) {
            (State::Calling, Some(until)) if until > now => Turn::Busy(until),
            (State::Wanted | State::Calling, _) => Turn::Call(Self {
                // A lease that is over: whoever had it may have called.
                is_unclear: self.is_unclear || self.state == State::Calling,
                state: State::Calling,
                attempts: self.attempts + 1,
                lease_until: Some(lease_until),
                look_at: Some(lease_until + ABANDONED),
                ..self
            }),
            _ => Turn::Nothing,
        }
    }

    /// Notes what WeCom answered to an attempt; returns whether to try again, and why.
    pub fn answered(self, attempt: i32, answer: &Answer, now: Timestamp) -> (Self, Option<String>) {
        if self.state.is_settled() || self.state == State::Waiting {
            return (self, None);
        }
        if *answer == Answer::Accepted {
            return (self.accepted(now), None);
        }
        if self.state != State::Calling || self.attempts != attempt {
            // A later attempt is under way; what it hears counts.
            return (self, None);
        }
        let is_over = self.attempts >= MOST_ATTEMPTS;
        let (trouble, is_unclear) = match answer {
            Answer::Accepted => return (self, None),
            Answer::Refused(trouble) => {
                return (self.settled(State::Failed, Some(trouble.clone()), now), None);
            }
            Answer::Later(trouble) => (trouble.clone(), self.is_unclear),
            Answer::Unclear(trouble) => (trouble.clone(), true),
        };
        if is_over && !is_unclear {
            return (self.settled(State::Failed, Some(trouble), now), None);
        }
        let again = (!is_over).then(|| trouble.words.clone());
        // Nobody asks any more, but WeCom may have heard: the list tells.
        let (state, look_at) = if is_over { (State::Calling, Some(now)) } else { (State::Wanted, None) };
        (Self { state, is_unclear, look_at, lease_until: None, trouble: Some(trouble), ..self }, again)
    }

    /// Notes that nobody will ask WeCom any more: the message that wanted it is a dead letter.
    #[must_use]
    pub fn given_up(self, now: Timestamp) -> Self {
        let may_be_heard = self.is_unclear || self.state == State::Calling;
        if !matches!(self.state, State::Wanted | State::Calling) {
            return self;
        }
        if may_be_heard {
            // The list tells, as soon as nobody may be asking.
            let look_at = self.lease_until.filter(|until| *until > now).unwrap_or(now);
            return Self { state: State::Calling, is_unclear: true, look_at: Some(look_at), ..self };
        }
        let trouble = self.trouble.clone();
        let unasked = || Trouble::said("the request was given up before WeCom was asked");
        self.settled(State::Failed, Some(trouble.unwrap_or_else(unasked)), now)
    }

    /// Notes what WeCom's list says.
    #[must_use]
    pub fn seen(self, seen: Seen, now: Timestamp) -> Self {
        let is_waiting = self.state == State::Waiting;
        let is_asked = self.state == State::Calling && self.lease_until.is_none_or(|until| until <= now);
        if !is_waiting && !is_asked {
            return self;
        }
        let is_lost = !is_waiting || self.accepted_at.is_some_and(|accepted| accepted + LOST <= now);
        match seen {
            Seen::Waiting if is_waiting => Self { look_at: Some(now + LOOK_EVERY), ..self },
            Seen::Waiting => self.accepted(now),
            Seen::Done => self.settled(State::Done, None, now),
            // Of a request that may not have been heard, these may be rows of an earlier transfer.
            Seen::Refused if is_waiting => self.settled(State::Refused, None, now),
            Seen::TooMany if is_waiting => self.settled(State::Failed, Some(Trouble::of(40099)), now),
            _ if is_lost => {
                let trouble = self.trouble.clone();
                let unseen = || Trouble::said("WeCom's list of transfers does not show it");
                self.settled(State::Unknown, Some(trouble.unwrap_or_else(unseen)), now)
            }
            _ => Self { look_at: Some(now + LOOK_EVERY), ..self },
        }
    }

    /// Notes that WeCom told at `occurred_at` why the customer did not go over; `None`: the customer refused.
    #[must_use]
    pub fn told_failed(self, trouble: Option<Trouble>, occurred_at: Timestamp, now: Timestamp) -> Self {
        // Before WeCom was asked, it can only be about an earlier transfer.
        let is_of_another = self.attempts == 0 || !self.may_cause(occurred_at);
        if self.state.is_settled() || is_of_another {
            return self;
        }
        let state = if trouble.is_some() { State::Failed } else { State::Refused };
        self.settled(state, trouble, now)
    }

    /// Notes that the customer left the former owner through a transfer at `occurred_at`.
    #[must_use]
    pub fn told_gone(self, occurred_at: Timestamp, now: Timestamp) -> Self {
        // While it is not known whether WeCom began, it may have been another transfer; the list tells.
        if self.state != State::Waiting || !self.may_cause(occurred_at) {
            return self;
        }
        self.settled(State::Done, None, now)
    }

    fn accepted(self, now: Timestamp) -> Self {
        Self {
            state: State::Waiting,
            lease_until: None,
            accepted_at: Some(now),
            look_at: Some(now + LOOK_EVERY),
            trouble: None,
            ..self
        }
    }

    fn settled(self, state: State, trouble: Option<Trouble>, now: Timestamp) -> Self {
        let accepted_at = match state {
            State::Done | State::Refused => self.accepted_at.or(Some(now)),
            _ => self.accepted_at,
        };
        Self { state, lease_until: None, look_at: None, settled_at: Some(now), accepted_at, trouble, ..self }
    }
}

#[cfg(test)]
mod tests;
