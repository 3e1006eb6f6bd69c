//! What a person left with a lead source, as ingest tells it.

use scrm_kernel::{ExternalUserId, SubmissionId, Timestamp};

use super::lead::{Claim, Origin};

/// By what a person is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkKind {
    /// WeCom's id of a customer.
    ExternalUserId,
    /// WeChat's id across the apps of an enterprise.
    UnionId,
    /// Blind index of a phone, in hex.
    Phone,
}

impl MarkKind {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExternalUserId => "external_user_id",
            Self::UnionId => "unionid",
            Self::Phone => "phone",
        }
    }
}

/// Something by which one person is known: it belongs to one open lead at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// What it is; the surest first.
    pub kind: MarkKind,
    /// Its value.
    pub value: String,
}

impl Mark {
    /// Returns the mark of a customer in WeCom.
    pub fn of(person: &ExternalUserId) -> Self {
        Self { kind: MarkKind::ExternalUserId, value: person.as_str().to_owned() }
    }
}

/// What a person left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Ours.
    pub id: SubmissionId,
    /// The lead source, by its name in its address.
    pub source: String,
    /// The lead source, as people call it.
    pub source_name: String,
    /// The routing group that decides.
    pub group: String,
    /// What the person is called.
    pub name: Option<String>,
    /// How they came to the sender.
    pub channel: Option<String>,
    /// Where they are.
    pub region: Option<String>,
    /// What they are interested in.
    pub product: Option<String>,
    /// What the sender notes.
    pub remark: Option<String>,
    /// WeCom's id of them.
    pub person: Option<ExternalUserId>,
    /// WeChat's id of them.
    pub union_id: Option<String>,
    /// Blind index of the phone, in hex.
    pub phone_index: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// Their mail address.
    pub email: Option<String>,
    /// What the mapping of the source does not name: JSON.
    pub answers: String,
    /// When it was received, and in which order.
    pub claim: Claim,
    /// When ingest had read it.
    pub received_at: Timestamp,
}

impl Submission {
    /// Returns by what its person is known, in the order in which marks are locked; the surest first.
    pub fn marks(&self) -> Vec<Mark> {
        let person = self.person.as_ref().map(Mark::of);
        let union_id =
            self.union_id.as_ref().map(|value| Mark { kind: MarkKind::UnionId, value: value.clone() });
        let phone =
            self.phone_index.as_ref().map(|value| Mark { kind: MarkKind::Phone, value: value.clone() });
        [person, union_id, phone].into_iter().flatten().collect()
    }

    /// Returns what its lead keeps of it.
    pub fn origin(&self) -> Origin {
        Origin { source: self.source.clone(), group: self.group.clone(), submission: self.id }
    }

    /// Returns the channel that it names, or else its source's name.
    pub fn channel_or_source(&self) -> String {
        self.channel.clone().unwrap_or_else(|| self.source_name.clone())
    }
}
