//! Whoever acts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::reach::Reach;
use super::role::{BuiltIn, Grant};
use crate::id::{CorpId, StaffId};
use crate::scope::{People, Scope};

/// What somebody may do, and with whose things.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Within>", into = "Vec<Within>")]
pub struct Permissions(BTreeMap<Action, Reach>);

/// Actions of one reach: how permissions are written.
#[derive(Serialize, Deserialize)]
struct Within {
    #[serde(rename = "do")]
    actions: Vec<Action>,
    #[serde(rename = "of")]
    reach: Reach,
}

impl Permissions {
    /// Returns what some grants come to, for somebody who belongs to some departments.
    pub fn of<'a>(grants: impl IntoIterator<Item = &'a Grant>, own_departments: &[i64]) -> Self {
        let mut permissions = Self::default();
        for grant in grants {
            let reach = grant.scope.of(own_departments.iter().copied());
            for action in &grant.actions {
                permissions.add(*action, &reach);
            }
        }
        permissions
    }

    /// Returns what a role of every enterprise comes to, for somebody who belongs to some departments.
    pub fn of_role(role: BuiltIn, own_departments: &[i64]) -> Self {
        Self::of(&role.grants(), own_departments)
    }

    /// Adds an action, within a reach; what was there stays.
    pub fn add(&mut self, action: Action, reach: &Reach) {
        // Whose it is makes no difference to what is the enterprise's.
        let reach = if action.is_within_a_reach() { reach.clone() } else { Reach::everybody() };
        let known = self.0.remove(&action);
        self.0.insert(action, known.map_or(reach.clone(), |known| known.and(&reach)));
    }

    /// Returns how far an action reaches; none when it is not allowed at all.
    pub fn reach(&self, action: Action) -> Option<&Reach> {
        self.0.get(&action)
    }

    /// Returns everything that is allowed.
    pub fn iter(&self) -> impl Iterator<Item = (Action, &Reach)> {
        self.0.iter().map(|(action, reach)| (*action, reach))
    }
}

impl From<Vec<Within>> for Permissions {
    fn from(all: Vec<Within>) -> Self {
        let mut permissions = Self::default();
        for Within { actions, reach } in all {
            for action in actions {
                permissions.add(action, &reach);
            }
        }
        permissions
    }
}

impl From<Permissions> for Vec<Within> {
    fn from(permissions: Permissions) -> Self {
        let mut by_reach: BTreeMap<Reach, Vec<Action>> = BTreeMap::new();
        for (action, reach) in permissions.0 {
            by_reach.entry(reach).or_default().push(action);
        }
        by_reach.into_iter().map(|(reach, actions)| Within { actions, reach }).collect()
    }
}

/// Somebody may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this needs the permission {0}")]
pub struct NotAllowed(pub Action);

impl NotAllowed {
    /// The stable code.
    pub const CODE: &str = "not_allowed";
}

/// Which actions somebody was asked about; what is asked through a copy of them counts too.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<Mutex<BTreeSet<Action>>>);

impl Asked {
    fn note(&self, action: Action) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(action);
    }

    /// Reports whether they were asked about this one.
    pub fn has(&self, action: Action) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&action)
    }
}

/// Whoever acts: a person, or a command of the operator's.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The tenant.
    pub corp: CorpId,
    /// Who they are: their account's id, or the name of a command.
    pub subject: String,
    /// Which member of the staff they are, if they are one.
    pub staff: Option<StaffId>,
    /// What they may do.
    pub permissions: Arc<Permissions>,
    /// What they were asked about, for tests: whether a route asks for what its document says.
    pub asked: Asked,
}

impl PartialEq for Actor {
    fn eq(&self, other: &Self) -> bool {
        let of = |actor: &Self| (actor.corp, actor.staff);
        of(self) == of(other) && self.subject == other.subject && self.permissions == other.permissions
    }
}

impl Eq for Actor {}

impl Actor {
    /// Returns somebody who may do everything within an enterprise.
    pub fn administrator(corp: CorpId, subject: impl Into<String>) -> Self {
        Self::of_role(BuiltIn::Admin, corp, subject)
    }

    /// Returns somebody of a role, who is no member of the staff.
    pub fn of_role(role: BuiltIn, corp: CorpId, subject: impl Into<String>) -> Self {
        let permissions = Arc::new(Permissions::of_role(role, &[]));
        Self { corp, subject: subject.into(), staff: None, permissions, asked: Asked::default() }
    }

    /// Returns a member of the staff who has a role and belongs to some departments.
    pub fn of_member(
        role: BuiltIn,
        corp: CorpId,
        subject: impl Into<String>,
        staff: StaffId,
        own_departments: &[i64],
    ) -> Self {
        let permissions = Arc::new(Permissions::of_role(role, own_departments));
        Self { staff: Some(staff), permissions, ..Self::of_role(role, corp, subject) }
    }

    /// Returns the same one, about whom nothing was asked yet.
    #[must_use]
    pub fn watched(&self) -> Self {
        Self { asked: Asked::default(), ..self.clone() }
    }

    /// Lets them past who may do this; returns the enterprise in which they may.
    pub fn allow(&self, action: Action) -> Result<CorpId, NotAllowed> {
        self.reach(action).map(|_| self.corp)
    }

    fn reach(&self, action: Action) -> Result<&Reach, NotAllowed> {
        self.asked.note(action);
        self.permissions.reach(action).ok_or(NotAllowed(action))
    }

    /// Returns with whose things they may do this.
    pub fn scope(&self, action: Action) -> Result<Scope, NotAllowed> {
        let reach = self.reach(action)?;
        let people = if reach.everybody {
            People::Everybody
        } else {
            People::Of {
                staff: self.staff.into_iter().collect(),
                departments: reach.departments.clone(),
                trees: reach.trees.clone(),
            }
        };
        Ok(Scope { corp: self.corp, people })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::DataScope;
    use crate::time::from_millis;

    fn somebody(role: BuiltIn, departments: &[i64]) -> Actor {
        let corp = CorpId::mint(from_millis(1));
        let staff = StaffId::mint(from_millis(2));
        Actor::of_member(role, corp, "test", staff, departments)
    }

    #[test]
    fn somebody_gets_at_the_things_of_their_reach_and_is_refused_what_no_role_gives() {
        let sales = somebody(BuiltIn::Sales, &[2]);
        let own =
            People::Of { staff: sales.staff.into_iter().collect(), departments: [].into(), trees: [].into() };
        assert_eq!(sales.scope(Action::ReadLeads).unwrap().people, own);
        assert_eq!(sales.allow(Action::ManageRoles), Err(NotAllowed(Action::ManageRoles)));

        let manager = somebody(BuiltIn::SalesManager, &[2]);
        let People::Of { trees, .. } = manager.scope(Action::ReadLeads).unwrap().people else {
            panic!("it is not everybody")
        };
        assert_eq!(trees, [2].into());
        let admin = Actor::administrator(sales.corp, "cli");
        assert_eq!(admin.scope(Action::ReadLeads).unwrap(), Scope::everybody(sales.corp));
    }

    #[test]
    fn permissions_are_read_as_they_were_written() {
        let mut permissions = Permissions::of_role(BuiltIn::SalesManager, &[2, 5]);
        permissions.add(Action::ReadLeads, &DataScope::Chosen { departments: [9].into() }.of([]));
        let text = serde_json::to_string(&permissions).unwrap();
        assert_eq!(serde_json::from_str::<Permissions>(&text).unwrap(), permissions);
        assert_eq!(permissions.reach(Action::ReadLeads).unwrap().trees, [2, 5, 9].into());
    }
}
