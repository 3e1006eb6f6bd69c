//! The card that tells the owner of a new lead, in WeCom: what it is called, how it is answered, when it is out of date.

use scrm_kernel::{CorpId, ExternalUserId, LeadId, Timestamp, WecomUserId};

use super::card_words::Words;
use super::lead::{Lead, Stage};
use super::sending::{Progress, State};

/// The kind of all cards so far.
pub const NEW_LEAD: &str = "new_lead";
/// How a card is called in WeCom: digits, letters and `_-@`, at most 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskId(String);

impl TaskId {
    /// Returns the name of the card of one assignment: the same however often it is told.
    pub fn of(lead: LeadId, owner: &WecomUserId, assigned_at: Timestamp) -> Self {
        let (owner, at) = (fnv1a(&owner.folded()), assigned_at.timestamp_millis());
        Self(format!("{NEW_LEAD}-{lead}-{at}-{owner:016x}"))
    }

    /// Takes a name that was kept, or that WeCom told.
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns it as WeCom has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A hash that is the same in every version of this program, which the standard library's are not (FNV-1a).
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A button of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// The owner takes the lead up.
    Follow,
    /// Not now.
    Later,
}

impl Button {
    /// All of them, in the order of the card.
    pub const ALL: [Self; 2] = [Self::Follow, Self::Later];

    /// Returns the stable key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Later => "later",
        }
    }

    /// Reads the stable key.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|button| button.key() == key)
    }

    /// Returns what it says.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Follow => "我来跟进",
            Self::Later => "稍后",
        }
    }

    /// Returns what it says once it was pressed.
    pub const fn pressed(self) -> &'static str {
        match self {
            Self::Follow => "已由你跟进",
            Self::Later => "稍后跟进",
        }
    }
}

/// What the buttons of a card say whose lead belongs to somebody else by now.
const SUPERSEDED: &str = "已转给他人";

/// What lets a card be changed once.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    /// WeCom's `response_code`.
    pub text: String,
    /// Until when it is good.
    pub until: Timestamp,
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").field("until", &self.until).finish_non_exhaustive()
    }
}

/// What a member answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The button.
    pub button: Button,
    /// Who pressed it.
    pub by: WecomUserId,
    /// When.
    pub at: Timestamp,
}

/// The card of one assignment of a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The tenant.
    pub corp: CorpId,
    /// How it is called.
    pub task: TaskId,
    /// The lead.
    pub lead: LeadId,
    /// The customer in WeCom; none while nobody has the person as contact.
    pub person: Option<ExternalUserId>,
    /// The owner, who gets it.
    pub user: WecomUserId,
    /// When they became it.
    pub assigned_at: Timestamp,
    /// When this was first to be sent.
    pub made_at: Timestamp,
    /// How far the sending has come.
    pub progress: Progress,
    /// When that became final.
    pub settled_at: Option<Timestamp>,
    /// What went wrong last.
    pub problem: Option<String>,
    /// What it says, once that is settled.
    pub words: Option<Words>,
    /// The minute whose leads are told together, this one among them.
    pub gathered_in: Option<Timestamp>,
    /// WeCom's id of the message.
    pub message_id: Option<String>,
    /// What lets it be changed.
    pub code: Option<Code>,
    /// The app whose callback told the answer.
    pub app: Option<String>,
    /// The answer.
    pub answered: Option<Answered>,
    /// When somebody else became the owner.
    pub superseded_at: Option<Timestamp>,
    /// How far changing it has come; none when nothing is to change.
    pub change: Option<Progress>,
}

impl Card {
    /// Returns the card that tells the owner of `lead`; none while it is in the pool.
    pub fn wanted(lead: &Lead, now: Timestamp) -> Option<Self> {
        let Stage::Assigned { owner, at } = &lead.stage else { return None };
        Some(Self {
            corp: lead.corp,
            task: TaskId::of(lead.id, owner, *at),
            lead: lead.id,
            person: lead.person.clone(),
            user: owner.clone(),
            assigned_at: *at,
            made_at: now,
            progress: Progress::wanted(),
            settled_at: None,
            problem: None,
            words: None,
            gathered_in: None,
            message_id: None,
            code: None,
            app: None,
            answered: None,
            superseded_at: None,
            change: None,
        })
    }

    /// Leaves it to the message that tells all further leads of a minute.
    #[must_use]
    pub fn gathered(self, minute: Timestamp, now: Timestamp) -> Self {
        let (progress, problem) = (self.progress.ended(State::Skipped), self.problem.clone());
        Self { gathered_in: Some(minute), ..self.settled(progress, problem, now) }
    }

    /// Notes how far the sending has come by now, and what went wrong.
    #[must_use]
    pub fn settled(self, progress: Progress, problem: Option<String>, now: Timestamp) -> Self {
        Self { progress, problem, settled_at: progress.state.is_final().then_some(now), ..self }
    }

    /// Returns what its buttons shall say now.
    pub fn pressed(&self) -> &'static str {
        self.answered.as_ref().map_or(SUPERSEDED, |answered| answered.button.pressed())
    }

    /// Notes an answer; the first one counts. A member who answers has seen the card.
    #[must_use]
    pub fn answered(self, answered: Answered, app: String, code: Code) -> Self {
        let settled_at = self.settled_at.or(Some(answered.at));
        Self {
            progress: Progress { state: State::Sent, lease_until: None, ..self.progress },
            problem: None,
            settled_at,
            app: Some(app),
            answered: Some(answered),
            code: Some(code),
            change: Some(Progress::wanted()),
            ..self
        }
    }

    /// Notes that somebody else owns the lead: an unsent card stays so, one that was sent shall say so.
    #[must_use]
    pub fn superseded(self, now: Timestamp) -> Self {
        let progress = match self.progress.state {
            // Nobody else can be calling it: that state is `Calling`.
            State::Wanted => self.progress.ended(State::Skipped),
            _ => self.progress,
        };
        let is_changeable = progress.state == State::Sent && self.code.is_some() && self.change.is_none();
        Self {
            settled_at: self.settled_at.or_else(|| progress.state.is_final().then_some(now)),
            progress,
            superseded_at: Some(now),
            change: if is_changeable { Some(Progress::wanted()) } else { self.change },
            ..self
        }
    }
}
