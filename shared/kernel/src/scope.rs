//! Whose data a person may see.

use std::collections::BTreeSet;

use crate::id::{CorpId, StaffId};

/// The corp and the people whose rows a read may return.
///
/// Store functions that read on behalf of a person take this and put it into the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The tenant.
    pub corp: CorpId,
    /// Whose rows within the tenant.
    pub people: People,
}

/// The members of staff whose rows are visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum People {
    /// No restriction within the corp.
    Everybody,
    /// Only rows that belong to one of these; whoever stands in neither of them sees nothing.
    Of {
        /// Members by themselves.
        staff: BTreeSet<StaffId>,
        /// Everybody in these departments, by WeCom's numbers.
        departments: BTreeSet<i64>,
        /// Everybody in these departments and the ones below them.
        trees: BTreeSet<i64>,
    },
}

impl People {
    /// Returns only some members.
    pub fn only(staff: impl IntoIterator<Item = StaffId>) -> Self {
        Self::Of { staff: staff.into_iter().collect(), departments: BTreeSet::new(), trees: BTreeSet::new() }
    }
}

impl Scope {
    /// Returns the scope of an administrator: everybody in `corp`.
    pub const fn everybody(corp: CorpId) -> Self {
        Self { corp, people: People::Everybody }
    }
}
