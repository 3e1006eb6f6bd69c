//! Members of the staff, as the directory tells of them.

use scrm_kernel::{StaffId, WecomUserId};

/// How a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Works.
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

    /// Reports whether somebody who stands so cannot work at the moment.
    pub const fn is_away(self) -> bool {
        matches!(self, Self::Disabled | Self::Left)
    }
}

/// What the directory told of a member last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Our id.
    pub id: StaffId,
    /// The higher one counts.
    pub version: i64,
    /// WeCom's id; none when somebody else has it now.
    pub user: Option<WecomUserId>,
    /// Ids that the member had before.
    pub former: Vec<WecomUserId>,
    /// WeCom's numbers of the departments to which they belong.
    pub departments: Vec<i64>,
    /// Empty when WeCom withholds it.
    pub name: String,
    /// How they stand.
    pub state: State,
}

/// A member, found by an id of WeCom's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Our id.
    pub id: StaffId,
    /// None when WeCom withholds it.
    pub name: Option<String>,
    /// How they stand.
    pub state: State,
}
