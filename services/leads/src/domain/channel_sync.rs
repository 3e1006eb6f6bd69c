//! A channel as it is kept, and how WeCom's contact way follows it.
//!
//! The wanted way is a row; whoever finds that WeCom has another one calls. A call that may have been made counts as
//! made with an unknown result, until one is answered.

use std::time::Duration;

use scrm_kernel::{ChannelId, CorpId, Timestamp, WecomUserId};

use super::channel::{Adds, Shortfall};
use super::channel_draft::Settings;

/// When a call that nobody tries any more, or that WeCom refused, is tried again without anything having moved.
const TRY_AGAIN: Duration = Duration::from_hours(1);

/// What a contact way in WeCom is to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Who answers.
    pub users: Vec<WecomUserId>,
    /// A note for people.
    pub remark: String,
    /// Whether a customer is connected without the member's consent.
    pub skip_verify: bool,
}

/// How far WeCom has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A call is due.
    Waiting,
    /// A call is being made, until its lease is over.
    Calling,
    /// WeCom has what is wanted.
    Synced,
    /// WeCom refused.
    Failed,
}

impl State {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Calling => "calling",
            Self::Synced => "synced",
            Self::Failed => "failed",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Calling, Self::Synced, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// What is wanted of WeCom, and what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaySync {
    /// How far it has come.
    pub state: State,
    /// The number of the newest call.
    pub attempt: i32,
    /// Until when that call may last.
    pub lease_until: Option<Timestamp>,
    /// When it began, or was last asked for.
    pub called_at: Timestamp,
    /// WeCom's id of the way, once there is one.
    pub config_id: Option<String>,
    /// Since when a way may have been made that we do not know of.
    pub unclear_since: Option<Timestamp>,
    /// What is wanted.
    pub wanted: Way,
    /// What WeCom took last.
    pub applied: Option<Way>,
    /// Whether it is certain that this still is what WeCom has.
    pub is_sure: bool,
    /// Whether the way is to be deleted.
    pub is_ended: bool,
    /// What WeCom said against it.
    pub problem: Option<String>,
}

/// A call to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Make a way, after looking for one made since then, if any may have been.
    Make {
        /// Look first.
        unclear_since: Option<Timestamp>,
    },
    /// Change the way.
    Change(String),
    /// Delete the way.
    Delete(String),
    /// Delete the way, if one is found that may have been made since then.
    FindAndDelete(Timestamp),
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Nothing(WaySync),
    /// Nothing was ever made, so the channel may go.
    Gone,
    /// Somebody else is at it until then.
    Busy(Timestamp),
    /// This call, with the number `attempt`.
    Call(WaySync, Work),
}

/// Why a call did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It was not done, and may work later.
    Later(String),
    /// Nobody knows whether it was done.
    Unclear(String),
    /// It was refused, and will be again.
    Refused(String),
}

/// What happens after a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// Nothing.
    Rest,
    /// The way is deleted: the channel may go.
    Gone,
    /// What is wanted moved meanwhile: the next call is due at once.
    GoOn,
    /// The call is repeated after a while.
    Retry(String),
}

impl WaySync {
    /// Returns that of a new channel.
    pub const fn new(wanted: Way, now: Timestamp) -> Self {
        Self {
            state: State::Waiting,
            attempt: 0,
            lease_until: None,
            called_at: now,
            config_id: None,
            unclear_since: None,
            wanted,
            applied: None,
            is_sure: false,
            is_ended: false,
            problem: None,
        }
    }

    fn is_settled(&self) -> bool {
        !self.is_ended && self.is_sure && self.applied.as_ref() == Some(&self.wanted)
    }

    /// Wants a way, or its end; the flag says whether a call is to be asked for.
    #[must_use]
    pub fn wanting(self, wanted: Way, is_ended: bool, now: Timestamp) -> (Self, bool) {
        let is_moved = (&wanted, is_ended) != (&self.wanted, self.is_ended);
        let is_calling = self.state == State::Calling;
        let tried_until = self.lease_until.filter(|_| is_calling).unwrap_or(self.called_at);
        let is_stuck = self.state != State::Synced && tried_until + TRY_AGAIN <= now;
        let sync = Self { wanted, is_ended, ..self };
        if is_stuck {
            // A call that died may have made a way.
            let unclear =
                sync.unclear_since.or((is_calling && sync.config_id.is_none()).then_some(sync.called_at));
            return (Self { state: State::Waiting, called_at: now, unclear_since: unclear, ..sync }, true);
        }
        // Whoever is calling goes on by itself.
        if !is_moved || is_calling {
            return (sync, false);
        }
        // The call that was asked for takes what is wanted by then, unless it is to be repeated, which may take an hour.
        let is_asked_for = sync.state == State::Waiting && sync.problem.is_none();
        (Self { state: State::Waiting, called_at: now, ..sync }, !is_asked_for)
    }

    /// Says what is to be done, and claims the call.
    #[must_use]
    pub fn turn(self, now: Timestamp, lease_until: Timestamp) -> Turn {
        match (self.state, self.lease_until) {
            (State::Synced | State::Failed, _) => return Turn::Nothing(self),
            (State::Calling, Some(until)) if until > now => return Turn::Busy(until),
            (State::Calling | State::Waiting, _) => {}
        }
        if self.is_settled() {
            return Turn::Nothing(Self { state: State::Synced, problem: None, ..self });
        }
        let died = self.state == State::Calling && self.config_id.is_none();
        let unclear_since = self.unclear_since.or(died.then_some(self.called_at));
        let work = match (&self.config_id, self.is_ended, unclear_since) {
            (Some(config_id), true, _) => Work::Delete(config_id.clone()),
            (Some(config_id), false, _) => Work::Change(config_id.clone()),
            (None, true, Some(since)) => Work::FindAndDelete(since),
            (None, true, None) => return Turn::Gone,
            (None, false, unclear_since) => Work::Make { unclear_since },
        };
        let calling = Self {
            state: State::Calling,
            attempt: self.attempt + 1,
            lease_until: Some(lease_until),
            called_at: now,
            unclear_since,
            is_sure: false,
            ..self
        };
        Turn::Call(calling, work)
    }

    /// Takes in the answer to a call that `asked` for a way.
    #[must_use]
    pub fn answered(self, asked: &Way, work: &Work, answer: Result<(), Trouble>) -> (Self, After) {
        let is_deleting = matches!(work, Work::Delete(_) | Work::FindAndDelete(_));
        let calm = Self { lease_until: None, state: State::Waiting, ..self };
        match answer {
            Ok(()) if is_deleting => (calm, After::Gone),
            Ok(()) => {
                let applied = Some(asked.clone());
                let done = Self { applied, is_sure: true, unclear_since: None, problem: None, ..calm };
                if done.is_settled() {
                    return (Self { state: State::Synced, ..done }, After::Rest);
                }
                (done, After::GoOn)
            }
            Err(Trouble::Later(problem)) => {
                (Self { problem: Some(problem.clone()), ..calm }, After::Retry(problem))
            }
            Err(Trouble::Unclear(problem)) => {
                let is_making = matches!(work, Work::Make { .. }) && calm.config_id.is_none();
                let unclear_since = calm.unclear_since.or(is_making.then_some(calm.called_at));
                let unclear = Self { unclear_since, problem: Some(problem.clone()), ..calm };
                (unclear, After::Retry(problem))
            }
            Err(Trouble::Refused(problem)) => {
                let is_moved = calm.is_ended != is_deleting || (!is_deleting && calm.wanted != *asked);
                let refused = Self { problem: Some(problem), ..calm };
                if is_moved {
                    return (refused, After::GoOn);
                }
                (Self { state: State::Failed, ..refused }, After::Rest)
            }
        }
    }
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Our id.
    pub id: ChannelId,
    /// The tenant.
    pub corp: CorpId,
    /// What WeCom sends along with every customer who comes through it.
    pub tag: String,
    /// What an administrator set.
    pub settings: Settings,
    /// Counts the administrators' changes.
    pub version: i64,
    /// Why the code leads to somebody it should not lead to.
    pub shortfall: Option<Shortfall>,
    /// What WeCom is to have, and has.
    pub sync: WaySync,
    /// The public address of the picture of its QR code, once there is one.
    pub qr_code: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When an administrator changed it last.
    pub updated_at: Timestamp,
}

impl Channel {
    /// Makes a channel; its code leads nowhere yet.
    pub fn new(id: ChannelId, corp: CorpId, tag: String, settings: Settings, now: Timestamp) -> Self {
        let wanted = settings.plan.wanted(now, &Adds::new(), &[]);
        let Settings { remark, skip_verify, .. } = settings.clone();
        let sync = WaySync::new(Way { users: wanted.users, remark, skip_verify }, now);
        let shortfall = wanted.shortfall;
        let (created_at, updated_at) = (now, now);
        Self { id, corp, tag, settings, version: 1, shortfall, sync, qr_code: None, created_at, updated_at }
    }

    /// Works out again what WeCom is to have; the flag says whether a call is to be asked for.
    #[must_use]
    pub fn tuned(self, now: Timestamp, adds: &Adds) -> (Self, bool) {
        let (way, shortfall) = if self.sync.is_ended {
            (self.sync.wanted.clone(), None)
        } else {
            let wanted = self.settings.plan.wanted(now, adds, &self.sync.wanted.users);
            let Settings { remark, skip_verify, .. } = &self.settings;
            let way = Way { users: wanted.users, remark: remark.clone(), skip_verify: *skip_verify };
            (way, wanted.shortfall)
        };
        let is_ended = self.sync.is_ended;
        let (sync, is_due) = self.sync.wanting(way, is_ended, now);
        (Self { shortfall, sync, ..self }, is_due)
    }

    /// Ends the channel; the flag says whether a call is to be asked for.
    #[must_use]
    pub fn ended(self, now: Timestamp) -> (Self, bool) {
        let mut settings = self.settings;
        settings.plan.is_on = false;
        let way = self.sync.wanted.clone();
        let (sync, is_due) = self.sync.wanting(way, true, now);
        (Self { settings, sync, shortfall: None, version: self.version + 1, updated_at: now, ..self }, is_due)
    }
}

#[cfg(test)]
mod tests;
