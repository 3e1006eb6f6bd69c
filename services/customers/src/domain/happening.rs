//! What happens with a customer, as the timeline tells it.

use scrm_kernel::{Timestamp, WecomUserId};

use super::standing::RemovedBy;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A member has the customer as contact.
    Added,
    /// A member does not have the customer as contact any more.
    Removed(RemovedBy),
    /// The customer came through a channel.
    CameByChannel {
        /// Its id.
        id: String,
        /// What it was called.
        name: String,
    },
    /// A reading shows another profile than the one before: these fields.
    ProfileChanged(Vec<&'static str>),
    /// The relation has a tag more in WeCom.
    Tagged(String),
    /// The relation has a tag less in WeCom.
    Untagged(String),
}

impl Event {
    /// Returns the stable name.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed(RemovedBy::Member) => "removed_by_member",
            Self::Removed(RemovedBy::Customer) => "removed_by_customer",
            Self::Removed(RemovedBy::Transfer) => "removed_by_transfer",
            Self::Removed(RemovedBy::Unknown) => "removed",
            Self::CameByChannel { .. } => "came_by_channel",
            Self::ProfileChanged(_) => "profile_changed",
            Self::Tagged(_) => TAGGED,
            Self::Untagged(_) => UNTAGGED,
        }
    }

    /// Returns the channel or tag that it is about; empty when it is about neither.
    pub fn subject(&self) -> &str {
        match self {
            Self::CameByChannel { id, .. } => id,
            Self::Tagged(tag) | Self::Untagged(tag) => tag,
            Self::Added | Self::Removed(_) | Self::ProfileChanged(_) => "",
        }
    }
}

/// The kind of [`Event::Tagged`].
pub const TAGGED: &str = "tagged";
/// The kind of [`Event::Untagged`].
pub const UNTAGGED: &str = "untagged";

/// Something that happened with a customer, when, and with which member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// When.
    pub at: Timestamp,
    /// With whom; none when it is about the customer alone.
    pub member: Option<WecomUserId>,
    /// What.
    pub event: Event,
}

impl Happening {
    /// Returns what happened with a member.
    pub const fn with(member: WecomUserId, at: Timestamp, event: Event) -> Self {
        Self { at, member: Some(member), event }
    }
}
