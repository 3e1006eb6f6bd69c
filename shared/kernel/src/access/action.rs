//! What there is to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name is that of no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no action of this name")]
pub struct UnknownAction;

macro_rules! actions {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal of $things:ident,)+) => {
        /// What somebody may be allowed to do; the name is stable, and is that of the thing before the point.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum Action {
            $($(#[$doc])+ $variant,)+
        }

        impl Action {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the stable name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            const fn things(self) -> Things {
                match self {
                    $(Self::$variant => Things::$things,)+
                }
            }
        }
    };
}

/// Whose the things are with which something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Things {
    /// They belong to members of the staff, so it matters whose they are.
    People,
    /// They are the enterprise's.
    Enterprise,
}

actions! {
    /// See members of the staff, and departments.
    ReadStaff = "staff.read" of People,
    /// See who may sign in, and as what.
    ReadAccounts = "accounts.read" of Enterprise,
    /// Add, change and disable accounts, give and take roles, end sessions.
    ManageAccounts = "accounts.manage" of Enterprise,
    /// See roles.
    ReadRoles = "roles.read" of Enterprise,
    /// Add, change and remove roles.
    ManageRoles = "roles.manage" of Enterprise,
    /// See business calendars.
    ReadCalendars = "calendars.read" of Enterprise,
    /// Add, change and remove them.
    ManageCalendars = "calendars.manage" of Enterprise,
    /// See which WeCom applications, suites and sources of leads are connected.
    ReadConnections = "connections.read" of Enterprise,
    /// Connect them, and change how.
    ManageConnections = "connections.manage" of Enterprise,
    /// Read what WeCom called back with.
    ReadCallbacks = "callbacks.read" of Enterprise,
    /// Have it handled once more.
    ReplayCallbacks = "callbacks.replay" of Enterprise,
    /// See comparisons with WeCom.
    ReadReconciliations = "reconciliations.read" of Enterprise,
    /// Begin them, and confirm what they found.
    RunReconciliations = "reconciliations.run" of Enterprise,
    /// Read the counters of the processes.
    ReadMetrics = "metrics.read" of Enterprise,
    /// Read events that a service gave up.
    ReadDeadLetters = "dead_letters.read" of Enterprise,
    /// Have them handled once more, give them up for good, and have events sent again.
    HandleDeadLetters = "dead_letters.handle" of Enterprise,
    /// See leads, how they came to their owner, and what was sent.
    ReadLeads = "leads.read" of People,
    /// Give a lead another owner.
    ReassignLeads = "leads.reassign" of People,
    /// See channels and what new contacts are greeted with.
    ReadChannels = "channels.read" of Enterprise,
    /// Change them.
    ManageChannels = "channels.manage" of Enterprise,
    /// See by which rules leads get an owner.
    ReadRouting = "routing.read" of Enterprise,
    /// Change them.
    ManageRouting = "routing.manage" of Enterprise,
    /// See pictures and files that are sent to customers.
    ReadMedia = "media.read" of Enterprise,
    /// Add and remove them.
    ManageMedia = "media.manage" of Enterprise,
    /// See customers, their relations and timeline.
    ReadCustomers = "customers.read" of People,
    /// Change which tags a member of the staff gave a customer.
    TagCustomers = "customers.tag" of People,
    /// See which tags there are.
    ReadTags = "tags.read" of Enterprise,
    /// Make new ones.
    ManageTags = "tags.manage" of Enterprise,
}

impl Action {
    /// Reads the stable name.
    pub fn parse(name: &str) -> Result<Self, UnknownAction> {
        Self::ALL.iter().copied().find(|action| action.as_str() == name).ok_or(UnknownAction)
    }

    /// Reports whether it matters whose the things are with which it is done.
    pub fn is_within_a_reach(self) -> bool {
        self.things() == Things::People
    }

    /// Reports whether it only looks.
    pub fn only_reads(self) -> bool {
        self.as_str().split_once('.').is_some_and(|(_, deed)| deed == "read")
    }
}

impl TryFrom<String> for Action {
    type Error = UnknownAction;

    fn try_from(name: String) -> Result<Self, UnknownAction> {
        Self::parse(&name)
    }
}

impl From<Action> for &'static str {
    fn from(action: Action) -> Self {
        action.as_str()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_a_name_of_its_own_and_is_found_by_it() {
        let names: BTreeSet<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        for action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Ok(*action));
            let (thing, deed) = action.as_str().split_once('.').unwrap();
            assert!(!thing.is_empty() && !deed.is_empty());
        }
        assert_eq!(Action::parse("leads.eat"), Err(UnknownAction));
    }
}
