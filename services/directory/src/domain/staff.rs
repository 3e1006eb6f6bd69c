//! A member of the staff.

use scrm_kernel::{StaffId, Timestamp, WecomUserId};

/// When something was so. Of two facts about one thing the newer counts, in whatever order they are heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// By the clock of whoever saw it.
    pub occurred_at: Timestamp,
    /// The place in ingest's order of arrival; settles one moment.
    pub received_seq: i64,
}

/// How a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Works; also while nothing was read yet.
    #[default]
    Active,
    /// Was invited to WeCom and has not signed in yet.
    Invited,
    /// Disabled in WeCom.
    Disabled,
    /// Has left, or is out of sight of the apps.
    Left,
}

impl State {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Invited => "invited",
            Self::Disabled => "disabled",
            Self::Left => "left",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Invited, Self::Disabled, Self::Left]
            .into_iter()
            .find(|known| known.as_str() == text)
    }
}

/// A department that a member belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// WeCom's number.
    pub department: i64,
    /// Leads it.
    pub leads: bool,
}

/// What WeCom tells of a member; nothing of it is known before the first reading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Empty when WeCom withholds it, like the other texts.
    pub name: String,
    /// Another name.
    pub alias: String,
    /// What they do here.
    pub position: String,
    /// The address of the picture.
    pub avatar: String,
    /// The department shown first.
    pub main_department: Option<i64>,
    /// By number, each once.
    pub places: Vec<Place>,
    /// WeCom's ids of direct superiors.
    pub leaders: Vec<String>,
    /// How they stand, as WeCom said then.
    pub state: State,
}

/// What was read of a member, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// When it was so.
    pub fact: Fact,
    /// What was so.
    pub profile: Profile,
}

/// A member of the staff as everybody sees one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Ours; it stays.
    pub id: StaffId,
    /// Counts the changes of what is here, from 1.
    pub version: i64,
    /// WeCom's id; none when somebody else has it now.
    pub user: Option<WecomUserId>,
    /// Ids that they had before, oldest first.
    pub former: Vec<WecomUserId>,
    /// What was read last.
    pub profile: Profile,
    /// How they stand, all considered.
    pub state: State,
    /// The member that this one turned out to be.
    pub same_as: Option<StaffId>,
}
