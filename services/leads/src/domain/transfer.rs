//! A customer on the way from one member to another in WeCom (在职继承): what is asked for, and what became of it.
//!
//! Whatever is told of a transfer (WeCom's answer, a look at its list, a callback) may come late, twice, or in any
//! order. It ends in one settled state, which never changes.

mod progress;

use std::time::Duration;

use scrm_kernel::{CorpId, ExternalUserId, LeadId, TransferId, WecomUserId};

use super::typed::checked;

pub use progress::{Answer, LOOK_EVERY, Progress, Seen, Turn};

/// The customer has 24 hours to refuse (WeCom document 92125).
pub const OBJECTION: Duration = Duration::from_hours(24);
/// Characters that a customer is told at most (WeCom document 92125).
const MOST_MESSAGE: usize = 200;

/// How far a transfer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// WeCom is to be asked.
    Wanted,
    /// WeCom is being asked.
    Calling,
    /// WeCom has begun; the customer may refuse for 24 hours.
    Waiting,
    /// The customer has gone over.
    Done,
    /// The customer refused.
    Refused,
    /// WeCom did not do it.
    Failed,
    /// Nobody can tell; a person has to look.
    Unknown,
}

impl State {
    const ALL: [Self; 7] =
        [Self::Wanted, Self::Calling, Self::Waiting, Self::Done, Self::Refused, Self::Failed, Self::Unknown];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Calling => "calling",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Reports whether nothing more will happen.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Wanted | Self::Calling | Self::Waiting)
    }
}

/// What the customer is told about it: 1 to 200 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(String);

impl Message {
    /// Checks what somebody typed; the error completes a sentence that begins with the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        checked(text, MOST_MESSAGE).map(Self)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A transfer of one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Our id.
    pub id: TransferId,
    /// The tenant.
    pub corp: CorpId,
    /// The lead whose owner changed.
    pub lead: LeadId,
    /// The customer.
    pub person: ExternalUserId,
    /// Who has them.
    pub from: WecomUserId,
    /// Who shall have them.
    pub to: WecomUserId,
    /// Who asked for it.
    pub requested_by: String,
    /// What the customer is told; WeCom's words when there is none.
    pub message: Option<Message>,
    /// How far it is.
    pub progress: Progress,
}

/// Why something did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// WeCom's code, when WeCom said so.
    pub errcode: Option<i64>,
    /// In words.
    pub words: String,
}

impl Trouble {
    /// Returns what WeCom's code for one customer means (WeCom document 90313).
    pub fn of(errcode: i64) -> Self {
        let words = match errcode {
            40096 => "WeCom does not know this customer, or the app may not see the member",
            40098 => "the new owner has not verified their WeCom account",
            40099 => "the new owner has as many customers as WeCom allows",
            40100 | 40129 => "WeCom already hands this customer over to somebody else",
            40128 => "the customer was handed over twice within 90 days",
            40130 => "WeCom takes both members for the same person",
            40131 => "the customer is not a contact of the former owner in WeCom",
            40143 => "the new owner is barred from having customers",
            84061 => "the former owner and the customer are no contacts any more",
            _ => "WeCom refuses",
        };
        Self { errcode: Some(errcode), words: words.to_owned() }
    }

    /// Returns trouble of ours, or WeCom's without a code.
    pub fn said(words: impl Into<String>) -> Self {
        Self { errcode: None, words: words.into() }
    }
}
