//! The contact book as it is now; it begins as the company's script has it.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::company::{Company, Department};

/// A member of the company.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) user_id: String,
    pub(crate) name: String,
    pub(crate) departments: Vec<u32>,
    pub(crate) position: String,
    pub(crate) is_leader: bool,
    /// Whether the member has left the company.
    pub(crate) gone: bool,
}

/// Members by userid without regard to case, and the departments.
pub(crate) struct Book {
    members: Vec<Member>,
    places: HashMap<String, usize>,
    pub(crate) departments: Vec<Department>,
}

/// Returns a userid as WeCom compares it.
pub(crate) fn folded(user_id: &str) -> String {
    user_id.to_lowercase()
}

impl Book {
    pub(super) fn scripted(company: &Company) -> Self {
        let departments = company.departments.clone();
        let mut book = Self { members: Vec::new(), places: HashMap::new(), departments };
        for staff in &company.staff {
            book.apply(Member {
                user_id: staff.user_id.clone(),
                name: staff.name.clone(),
                departments: vec![staff.department],
                position: staff.position.clone(),
                is_leader: staff.is_leader,
                gone: false,
            });
        }
        book
    }

    pub(super) fn apply(&mut self, member: Member) {
        let place = *self.places.entry(folded(&member.user_id)).or_insert(self.members.len());
        match self.members.get_mut(place) {
            Some(known) => *known = member,
            None => self.members.push(member),
        }
    }

    /// Gives a member another userid; nobody has the old one any more.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let Some(member) = self.find(from).cloned() else { return };
        self.apply(Member { gone: true, ..member.clone() });
        self.apply(Member { user_id: to.to_owned(), ..member });
    }

    pub(super) fn snapshot(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// Returns who works here.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| !member.gone)
    }

    /// Finds a member who works here.
    pub(crate) fn find(&self, user_id: &str) -> Option<&Member> {
        let member = self.places.get(&folded(user_id)).and_then(|place| self.members.get(*place));
        member.filter(|member| !member.gone)
    }

    /// Returns a department and all below it, parents first; empty when there is no such department.
    pub(crate) fn departments_below(&self, id: u32) -> Vec<&Department> {
        let mut below: Vec<&Department> =
            self.departments.iter().filter(|department| department.id == id).collect();
        let mut looked_at = 0;
        while let Some(parent) = below.get(looked_at).map(|department| department.id) {
            below.extend(self.departments.iter().filter(|department| department.parent_id == parent));
            looked_at += 1;
        }
        below
    }

    /// Returns the userids of `users` and of everybody in `parties`, each once, as far as they work here.
    pub(crate) fn expanded(&self, users: &[&str], parties: &[u32]) -> Vec<String> {
        let mut seen = HashSet::new();
        let named = users.iter().filter_map(|user_id| self.find(user_id));
        let below: HashSet<u32> = parties
            .iter()
            .flat_map(|party| self.departments_below(*party))
            .map(|department| department.id)
            .collect();
        let in_parties =
            self.members().filter(|member| member.departments.iter().any(|id| below.contains(id)));
        named
            .chain(in_parties)
            .filter(|member| seen.insert(member.user_id.as_str()))
            .map(|member| member.user_id.clone())
            .collect()
    }
}
