//! Whose things.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Whose things a role lets everybody who has it get at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DataScope {
    /// One's own (本人).
    Oneself,
    /// Those of everybody in the departments one belongs to (本部门).
    Department,
    /// Also of the departments below them (本部门及下级).
    DepartmentTree,
    /// Those of everybody in some departments, and in those below them (指定部门).
    Chosen {
        /// WeCom's numbers.
        departments: BTreeSet<i64>,
    },
    /// Everybody's (全部).
    Everybody,
}

impl DataScope {
    /// Returns what it comes to for somebody who belongs to some departments.
    pub fn of(&self, own: impl IntoIterator<Item = i64>) -> Reach {
        match self {
            Self::Oneself => Reach::oneself(),
            Self::Department => Reach { departments: own.into_iter().collect(), ..Reach::oneself() },
            Self::DepartmentTree => Reach { trees: own.into_iter().collect(), ..Reach::oneself() },
            Self::Chosen { departments } => Reach { trees: departments.clone(), ..Reach::oneself() },
            Self::Everybody => Reach::everybody(),
        }
    }
}

/// Whose things somebody gets at. One's own always belong to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reach {
    /// Everybody's within the enterprise; the rest says nothing then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub everybody: bool,
    /// Those of everybody in these departments, by WeCom's numbers.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub departments: BTreeSet<i64>,
    /// Those of everybody in these departments and the ones below them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub trees: BTreeSet<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Reach {
    /// Returns the reach that ends at oneself.
    pub const fn oneself() -> Self {
        Self { everybody: false, departments: BTreeSet::new(), trees: BTreeSet::new() }
    }

    /// Returns the reach that ends nowhere within the enterprise.
    pub const fn everybody() -> Self {
        Self { everybody: true, departments: BTreeSet::new(), trees: BTreeSet::new() }
    }

    /// Returns what both together reach.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        if self.everybody || other.everybody {
            return Self::everybody();
        }
        self.departments.extend(&other.departments);
        self.trees.extend(&other.trees);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_comes_to_the_departments_of_whoever_has_it() {
        let own = [2, 7];
        assert_eq!(DataScope::Oneself.of(own), Reach::oneself());
        assert_eq!(DataScope::Department.of(own).departments, own.into());
        assert_eq!(DataScope::DepartmentTree.of(own).trees, own.into());
        assert_eq!(DataScope::Chosen { departments: [9].into() }.of(own).trees, [9].into());
        assert!(DataScope::Everybody.of(own).everybody);
    }

    #[test]
    fn together_they_reach_what_either_reaches() {
        let one = DataScope::Department.of([2]);
        let both = one.clone().and(&DataScope::Chosen { departments: [9].into() }.of([]));
        assert_eq!(both, Reach { everybody: false, departments: [2].into(), trees: [9].into() });
        assert_eq!(both.and(&Reach::everybody()), Reach::everybody());
        assert_eq!(one.clone().and(&Reach::oneself()), one);
    }

    #[test]
    fn a_scope_is_written_by_its_name() {
        let chosen = DataScope::Chosen { departments: [9, 3].into() };
        let text = serde_json::to_string(&chosen).unwrap();
        assert_eq!(text, r#"{"kind":"chosen","departments":[3,9]}"#);
        assert_eq!(serde_json::from_str::<DataScope>(&text).unwrap(), chosen);
        assert_eq!(serde_json::to_string(&Reach::oneself()).unwrap(), "{}");
    }
}
