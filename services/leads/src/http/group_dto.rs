//! Routing groups, as JSON.

use std::collections::HashMap;

use scrm_http::Moment;
use scrm_kernel::Cursor;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::{GroupForm, MemberForm};
use crate::domain::routing::{Group, Member};

/// A routing group to add or change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoutingGroupIn)]
pub(super) struct GroupIn {
    /// `round_robin`, `weighted` or `least_loaded`.
    strategy: String,
    /// WeCom's id of whoever gets what no member can take; without one such a lead waits in the pool.
    backup: Option<String>,
    /// In the order that settles ties.
    members: Vec<MemberIn>,
}

/// A member of a routing group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoutingMemberIn)]
struct MemberIn {
    /// WeCom's id.
    user_id: String,
    /// 1 to 1000, for `weighted`; 1 when absent.
    weight: Option<i64>,
    /// Leads on one day of the calendar in Shanghai at most, over all groups; no limit when absent.
    daily_cap: Option<i64>,
    /// Open leads at most; no limit when absent.
    open_cap: Option<i64>,
    /// May get leads; true when absent.
    is_active: Option<bool>,
}

impl GroupIn {
    pub(super) fn into_form(self, name: String, version: Option<i64>) -> GroupForm {
        let member = |member: MemberIn| MemberForm {
            user_id: member.user_id,
            weight: member.weight.unwrap_or(1),
            daily_cap: member.daily_cap,
            open_cap: member.open_cap,
            is_active: member.is_active.unwrap_or(true),
        };
        GroupForm {
            name,
            strategy: self.strategy,
            backup: self.backup,
            members: self.members.into_iter().map(member).collect(),
            version,
        }
    }
}

/// A routing group.
#[derive(Serialize, ToSchema)]
#[schema(as = RoutingGroupOut)]
pub(super) struct GroupOut {
    name: String,
    strategy: &'static str,
    backup: Option<String>,
    members: Vec<MemberOut>,
    version: i64,
    updated_at: Moment,
}

/// A member of a routing group, and what it was given.
#[derive(Serialize, ToSchema)]
#[schema(as = RoutingMemberOut)]
struct MemberOut {
    user_id: String,
    weight: i64,
    daily_cap: Option<i64>,
    open_cap: Option<i64>,
    is_active: bool,
    /// Leads through this group, ever.
    assigned: i64,
    /// Leads through all groups, today.
    assigned_today: i64,
}

impl GroupOut {
    pub(super) fn of(group: Group, today: &HashMap<String, i64>) -> Self {
        let member = |member: Member| MemberOut {
            assigned_today: today.get(&member.user.folded()).copied().unwrap_or_default(),
            user_id: member.user.into(),
            weight: member.weight,
            daily_cap: member.daily_cap,
            open_cap: member.open_cap,
            is_active: member.is_active,
            assigned: member.assigned,
        };
        Self {
            name: group.name,
            strategy: group.strategy.as_str(),
            backup: group.backup.map(String::from),
            members: group.members.into_iter().map(member).collect(),
            version: group.version,
            updated_at: group.updated_at.into(),
        }
    }
}

/// All routing groups.
#[derive(Serialize, ToSchema)]
#[schema(as = RoutingGroupsOut)]
pub(super) struct GroupsOut {
    pub(super) items: Vec<GroupOut>,
    pub(super) next_cursor: Option<Cursor>,
}
