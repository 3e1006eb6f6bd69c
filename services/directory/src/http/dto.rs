//! What goes in and comes out, as JSON.

use scrm_kernel::{Cursor, Page, StaffId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::department::Known;
use crate::domain::staff::Member;

/// Which members are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct StaffIn {
    /// `active`, `invited`, `disabled` or `left`.
    pub(super) state: Option<String>,
    /// WeCom's number of a department; those of the departments below it are listed too.
    pub(super) department: Option<i64>,
    /// A part of the name, the alias or an id, present or former.
    pub(super) q: Option<String>,
    /// 1 to 200, 50 when absent.
    pub(super) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// A member of the staff.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffMember)]
pub(super) struct MemberOut {
    /// Ours; it stays when WeCom's id changes.
    id: StaffId,
    /// WeCom's id; null when somebody else has it now.
    user_id: Option<String>,
    /// Ids that the member had before, oldest first.
    former_user_ids: Vec<String>,
    /// Null when WeCom withholds it, or nothing was read yet.
    name: Option<String>,
    alias: Option<String>,
    position: Option<String>,
    /// The address of the picture.
    avatar: Option<String>,
    /// The department shown first, by WeCom's number.
    main_department: Option<i64>,
    departments: Vec<PlaceOut>,
    /// WeCom's ids of direct superiors.
    leader_user_ids: Vec<String>,
    /// `active`; `invited`: has not signed in to WeCom yet; `disabled`: in WeCom; `left`, or out of sight of the apps.
    state: &'static str,
    /// The member that this one turned out to be.
    same_as: Option<StaffId>,
    /// Counts the changes of what is here.
    version: i64,
}

/// A department that a member belongs to.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffDepartment)]
struct PlaceOut {
    /// WeCom's number.
    id: i64,
    /// Leads it.
    leads: bool,
}

impl From<Member> for MemberOut {
    fn from(member: Member) -> Self {
        let profile = member.profile;
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        let places = profile.places.into_iter();
        Self {
            id: member.id,
            user_id: member.user.map(String::from),
            former_user_ids: member.former.into_iter().map(String::from).collect(),
            name: text(profile.name),
            alias: text(profile.alias),
            position: text(profile.position),
            avatar: text(profile.avatar),
            main_department: profile.main_department,
            departments: places.map(|place| PlaceOut { id: place.department, leads: place.leads }).collect(),
            leader_user_ids: profile.leaders,
            state: member.state.as_str(),
            same_as: member.same_as,
            version: member.version,
        }
    }
}

/// A page of members.
#[derive(Serialize, ToSchema)]
pub(super) struct StaffOut {
    items: Vec<MemberOut>,
    next_cursor: Option<Cursor>,
}

impl From<Page<Member>> for StaffOut {
    fn from(page: Page<Member>) -> Self {
        let Page { items, next_cursor } = page.map(MemberOut::from);
        Self { items, next_cursor }
    }
}

/// A department.
#[derive(Serialize, ToSchema)]
#[schema(as = Department)]
pub(super) struct DepartmentOut {
    /// WeCom's number; the root has 1.
    id: i64,
    /// Null when WeCom withholds it.
    name: Option<String>,
    /// Null for the root.
    parent_id: Option<i64>,
    /// Among its siblings; higher comes first.
    order: i64,
    /// WeCom's ids of those who lead it.
    leader_user_ids: Vec<String>,
    /// Counts its changes.
    version: i64,
}

impl From<Known> for DepartmentOut {
    fn from(known: Known) -> Self {
        let department = known.department;
        Self {
            id: department.number,
            name: Some(department.name).filter(|name| !name.is_empty()),
            parent_id: Some(department.parent).filter(|parent| *parent != 0),
            order: department.rank,
            leader_user_ids: department.leaders,
            version: known.version,
        }
    }
}

/// All departments.
#[derive(Serialize, ToSchema)]
pub(super) struct DepartmentsOut {
    pub(super) items: Vec<DepartmentOut>,
    pub(super) next_cursor: Option<Cursor>,
}
