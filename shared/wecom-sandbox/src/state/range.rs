//! Whom an app may see (可见范围): everybody, unless an administrator has said otherwise.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::book::folded;
use super::{Corp, Member};

/// The members and departments that an app may see; departments count with all below them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visible {
    /// WeCom's ids of members.
    pub user_ids: Vec<String>,
    /// WeCom's numbers of departments.
    pub department_ids: Vec<u32>,
}

/// What an app may see; `None` is everybody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Range {
    /// The sandbox's word for the app.
    pub(crate) app: String,
    pub(crate) visible: Option<Visible>,
}

/// The ranges of the apps that do not see everybody.
#[derive(Default)]
pub(crate) struct Ranges(HashMap<String, Visible>);

impl Ranges {
    pub(super) fn apply(&mut self, range: Range) {
        match range.visible {
            Some(visible) => self.0.insert(range.app, visible),
            None => self.0.remove(&range.app),
        };
    }

    /// Puts another userid in the place of an old one.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let named = self.0.values_mut().flat_map(|visible| visible.user_ids.iter_mut());
        for user_id in named.filter(|user_id| user_id.eq_ignore_ascii_case(from)) {
            to.clone_into(user_id);
        }
    }

    pub(super) fn snapshot(&self) -> impl Iterator<Item = Range> {
        let range =
            |(app, visible): (&String, &Visible)| Range { app: app.clone(), visible: Some(visible.clone()) };
        self.0.iter().map(range)
    }

    /// Returns what an app may see; `None` is everybody.
    pub(crate) fn of(&self, app: &str) -> Option<&Visible> {
        self.0.get(app)
    }
}

/// What an app sees of the contact book.
pub(crate) struct Sight {
    /// Folded userids and departments; `None` is everything.
    seen: Option<(HashSet<String>, HashSet<u32>)>,
}

impl Sight {
    /// Says whether the app sees a member.
    pub(crate) fn has(&self, member: &Member) -> bool {
        self.seen.as_ref().is_none_or(|(user_ids, departments)| {
            user_ids.contains(&folded(&member.user_id))
                || member.departments.iter().any(|id| departments.contains(id))
        })
    }

    /// Says whether the app sees a department.
    pub(crate) fn has_department(&self, id: u32) -> bool {
        self.seen.as_ref().is_none_or(|(_, departments)| departments.contains(&id))
    }
}

impl Corp {
    /// Returns what an app sees at present.
    pub(crate) fn sight(&self, app: &str) -> Sight {
        let seen = self.ranges.of(app).map(|visible| {
            let below = visible.department_ids.iter().flat_map(|id| self.book.departments_below(*id));
            let user_ids = visible.user_ids.iter().map(|user_id| folded(user_id)).collect();
            (user_ids, below.map(|department| department.id).collect())
        });
        Sight { seen }
    }

    /// Says whether an app sees the member with this userid; who does not work here is seen by those who see everybody.
    pub(crate) fn sees(&self, app: &str, user_id: &str) -> bool {
        self.ranges.of(app).is_none()
            || self.book.find(user_id).is_some_and(|member| self.sight(app).has(member))
    }

    /// Returns the userids of the members that an app sees.
    pub(crate) fn visible_staff(&self, app: &str) -> Vec<String> {
        let sight = self.sight(app);
        let seen = self.book.members().filter(|member| sight.has(member));
        seen.map(|member| member.user_id.clone()).collect()
    }
}
