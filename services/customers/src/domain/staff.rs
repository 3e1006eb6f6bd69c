//! Members of the staff, as far as customers are concerned.

use scrm_kernel::{StaffId, WecomUserId};

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
}
