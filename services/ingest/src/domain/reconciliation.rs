//! A comparison of everything that is known of an enterprise with what WeCom has.

use std::time::Duration;

use scrm_kernel::{CorpId, ReconciliationId, Timestamp};

/// How long a callback may be on its way: what is younger is not told by a comparison.
pub const ON_ITS_WAY: Duration = Duration::from_secs(10);

/// Attempts in vain before a comparison has failed.
pub const MOST_ATTEMPTS: u32 = 5;

/// How a comparison stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It goes on.
    Running,
    /// Too many relations would go at once: a person must confirm it.
    Alarm,
    /// It came to its end.
    Done,
    /// It did not, or a part of it was skipped.
    Failed,
}

impl State {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Alarm => "alarm",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Alarm, Self::Done, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// What is compared, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// All departments.
    Departments,
    /// The members of each department.
    Members,
    /// All tags.
    Tags,
    /// The relations of each member.
    Customers,
    /// Relations that were missing twice.
    Gone,
}

impl Step {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Departments => "departments",
            Self::Members => "members",
            Self::Tags => "tags",
            Self::Customers => "customers",
            Self::Gone => "gone",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Departments, Self::Members, Self::Tags, Self::Customers, Self::Gone];
        all.into_iter().find(|step| step.as_str() == text)
    }
}

/// How much a comparison has seen and found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Departments that WeCom has.
    pub departments: u64,
    /// Members that WeCom has.
    pub members: u64,
    /// Tags that WeCom has.
    pub tags: u64,
    /// Members whose customers were listed.
    pub listed: u64,
    /// Relations that WeCom has.
    pub relations: u64,
    /// Relations whose callback got lost, told now.
    pub added: u64,
    /// Relations that WeCom does not list any more.
    pub missing: u64,
    /// Relations that have ended, told now.
    pub removed: u64,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// Its id.
    pub id: ReconciliationId,
    /// Whose it is.
    pub corp: CorpId,
    /// How it stands.
    pub state: State,
    /// What is being compared.
    pub step: Step,
    /// How far the step is.
    pub cursor: String,
    /// Whether a person has confirmed that many relations are gone.
    pub is_confirmed: bool,
    /// What it has seen and found.
    pub counts: Counts,
    /// How often its present part was tried in vain.
    pub attempts: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When the listing of relations began.
    pub listing_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What was in the way.
    pub problem: Option<String>,
}

impl Reconciliation {
    /// Returns a new one.
    pub fn new(id: ReconciliationId, corp: CorpId, now: Timestamp) -> Self {
        Self {
            id,
            corp,
            state: State::Running,
            step: Step::Departments,
            cursor: String::new(),
            is_confirmed: false,
            counts: Counts::default(),
            attempts: 0,
            started_at: now,
            listing_at: None,
            finished_at: None,
            problem: None,
        }
    }

    /// Goes on to another step.
    pub fn go_on(&mut self, step: Step) {
        self.step = step;
        self.cursor.clear();
        self.attempts = 0;
    }

    /// Skips the present step, which WeCom does not allow; the rest goes on.
    pub fn skip(&mut self, problem: &str, next: Step) {
        let skipped = format!("{}: {problem}", self.step.as_str());
        self.problem = Some(match self.problem.take() {
            Some(before) => format!("{before}; {skipped}"),
            None => skipped,
        });
        self.go_on(next);
    }

    /// Comes to its end.
    pub fn finish(&mut self, state: State, now: Timestamp) {
        self.state = state;
        self.finished_at = Some(now);
    }
}
