//! Departments.

use std::collections::{BTreeMap, BTreeSet};

/// A department, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// WeCom's number; the root has 1.
    pub number: i64,
    /// Empty when WeCom withholds it.
    pub name: String,
    /// 0 for the root.
    pub parent: i64,
    /// Among its siblings; higher comes first.
    pub rank: i64,
    /// WeCom's ids of those who lead it.
    pub leaders: Vec<String>,
}

/// A department that is or was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// As it is, or was last.
    pub department: Department,
    /// Counts its changes, from 1.
    pub version: i64,
    /// It is not there any more.
    pub is_removed: bool,
}

/// Compares a complete listing with what is known; returns what is new, changed or gone, as it is now.
pub fn changes(known: &[Known], listed: Vec<Department>) -> Vec<Known> {
    let mut before: BTreeMap<i64, &Known> =
        known.iter().map(|known| (known.department.number, known)).collect();
    let mut changes = Vec::new();
    // A number twice in a listing: the later line counts.
    let listed: BTreeMap<i64, Department> = listed.into_iter().map(|one| (one.number, one)).collect();
    for department in listed.into_values() {
        let known = before.remove(&department.number);
        if known.is_none_or(|known| known.is_removed || known.department != department) {
            let version = known.map_or(0, |known| known.version) + 1;
            changes.push(Known { department, version, is_removed: false });
        }
    }
    let missing = before.into_values().filter(|known| !known.is_removed);
    changes.extend(missing.map(|known| Known {
        version: known.version + 1,
        is_removed: true,
        ..known.clone()
    }));
    changes
}

/// Returns a department's number and those of all departments below it.
pub fn subtree(known: &[Known], top: i64) -> BTreeSet<i64> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![top]);
    while let Some(number) = waiting.pop() {
        // A listing may hold a circle; each department is looked at once.
        if found.insert(number) {
            let below = known.iter().filter(|known| !known.is_removed && known.department.parent == number);
            waiting.extend(below.map(|known| known.department.number));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn department(number: i64, parent: i64, name: &str) -> Department {
        Department { number, name: name.to_owned(), parent, rank: 0, leaders: Vec::new() }
    }

    fn known(department: Department) -> Known {
        Known { department, version: 1, is_removed: false }
    }

    #[test]
    fn a_listing_changes_only_what_differs_and_removes_what_is_missing() {
        let before = [department(1, 0, "总部"), department(2, 1, "销售部"), department(3, 1, "客服部")];
        let before = before.map(known);
        let listed = vec![department(1, 0, "总部"), department(2, 1, "市场部"), department(4, 2, "华东")];
        let changes = changes(&before, listed.clone());
        let told: Vec<_> =
            changes.iter().map(|one| (one.department.number, one.version, one.is_removed)).collect();
        assert_eq!(told, [(2, 2, false), (4, 1, false), (3, 2, true)]);

        let mut after = vec![before[0].clone()];
        after.extend(changes);
        assert_eq!(super::changes(&after, listed), []);
        let again = super::changes(&after, before.iter().map(|known| known.department.clone()).collect());
        let told: Vec<_> =
            again.iter().map(|one| (one.department.number, one.version, one.is_removed)).collect();
        assert_eq!(told, [(2, 3, false), (3, 3, false), (4, 2, true)]);
    }

    #[test]
    fn a_subtree_ends_even_where_departments_stand_in_a_circle() {
        let all = [department(1, 0, ""), department(2, 1, ""), department(3, 2, ""), department(4, 1, "")];
        assert_eq!(subtree(&all.map(known), 2), BTreeSet::from([2, 3]));
        let circle = [department(2, 3, ""), department(3, 2, "")];
        assert_eq!(subtree(&circle.map(known), 2), BTreeSet::from([2, 3]));
    }
}
