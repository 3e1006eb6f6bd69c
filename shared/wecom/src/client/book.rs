//! The contact book (通讯录): members, departments, and what an app may see of them.

use scrm_kernel::WecomUserId;
use serde::{Deserialize, Serialize};

use super::endpoint::{AGENT, DEPARTMENT_IDS, DEPARTMENTS, FULL_MEMBERS, MEMBER, MEMBER_IDS, MEMBERS};
use super::error::CallError;
use super::page::{self, Chunk, Items};
use super::{Speaker, lenient, prints_nothing};

/// Rows of a page of `user/list_id` at most.
const MOST_IDS: u32 = 10_000;

/// One member in one department; a member of two has two.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DepartmentPlace {
    /// The member.
    #[serde(rename = "userid")]
    pub user: WecomUserId,
    /// The department.
    pub department: i64,
}

/// A member in the short list of a department.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct MemberEntry {
    /// The member.
    #[serde(rename = "userid")]
    pub user: WecomUserId,
    /// The name; third-party apps get the userid here.
    #[serde(default)]
    pub name: String,
    /// All departments of the member.
    #[serde(default, rename = "department", deserialize_with = "lenient::rows")]
    pub departments: Vec<i64>,
}

/// A member. Everything but the userid depends on what the app may see (WeCom documents 96255, 96260).
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The member.
    #[serde(rename = "userid")]
    pub user: WecomUserId,
    /// The name.
    #[serde(default)]
    pub name: String,
    /// Another name.
    pub alias: Option<String>,
    /// All departments.
    #[serde(default, rename = "department", deserialize_with = "lenient::rows")]
    pub departments: Vec<i64>,
    /// 1 for each of [`departments`](Self::departments) that the member leads, else 0.
    #[serde(default, deserialize_with = "lenient::rows")]
    pub is_leader_in_dept: Vec<i64>,
    /// Direct superiors.
    #[serde(default, rename = "direct_leader", deserialize_with = "lenient::rows")]
    pub direct_leaders: Vec<WecomUserId>,
    /// The department shown first.
    pub main_department: Option<i64>,
    /// The job title.
    pub position: Option<String>,
    /// The telephone number; since 2022 only for few apps.
    pub mobile: Option<String>,
    /// The address of the picture; since 2022 only for few apps.
    pub avatar: Option<String>,
    /// 1 active, 2 disabled, 4 not activated, 5 left.
    #[serde(default, deserialize_with = "lenient::number")]
    pub status: Option<i64>,
}

prints_nothing!(MemberEntry, Member);

/// A department.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Department {
    /// WeCom's number; the root has 1.
    pub id: i64,
    /// The name; absent where the app may not see it.
    #[serde(default)]
    pub name: String,
    /// The department above.
    #[serde(default, rename = "parentid")]
    pub parent: i64,
    /// Larger comes first.
    #[serde(default)]
    pub order: i64,
    /// Who leads it.
    #[serde(default, rename = "department_leader", deserialize_with = "lenient::rows")]
    pub leaders: Vec<WecomUserId>,
}

/// A department without its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct DepartmentNode {
    /// WeCom's number; the root has 1.
    pub id: i64,
    /// The department above.
    #[serde(default, rename = "parentid")]
    pub parent: i64,
    /// Larger comes first.
    #[serde(default)]
    pub order: i64,
}

/// An app as WeCom knows it, and whom it may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Members named one by one.
    pub users: Vec<WecomUserId>,
    /// Departments, with all below them.
    pub departments: Vec<i64>,
    /// Tags of members.
    pub tags: Vec<i64>,
    /// Whether it is switched off.
    pub is_closed: bool,
}

#[derive(Serialize)]
struct IdsBody<'a> {
    cursor: &'a str,
    limit: u32,
}

#[derive(Deserialize)]
struct IdsReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    dept_user: Vec<DepartmentPlace>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct MembersReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    userlist: Vec<MemberEntry>,
}

#[derive(Deserialize)]
struct FullMembersReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    userlist: Vec<Member>,
}

#[derive(Deserialize)]
struct DepartmentsReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    department: Vec<Department>,
}

#[derive(Deserialize)]
struct DepartmentIdsReply {
    #[serde(default, deserialize_with = "lenient::rows")]
    department_id: Vec<DepartmentNode>,
}

#[derive(Deserialize)]
struct UserRow {
    userid: WecomUserId,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Visible {
    #[serde(deserialize_with = "lenient::rows")]
    user: Vec<UserRow>,
    #[serde(deserialize_with = "lenient::rows")]
    partyid: Vec<i64>,
    #[serde(deserialize_with = "lenient::rows")]
    tagid: Vec<i64>,
}

#[derive(Deserialize)]
struct AgentReply {
    #[serde(default)]
    name: String,
    #[serde(default)]
    allow_userinfos: Visible,
    #[serde(default)]
    allow_partys: Visible,
    #[serde(default)]
    allow_tags: Visible,
    #[serde(default)]
    close: i64,
}

impl Speaker {
    /// Lists every member of every department (`user/list_id`); only with the secret of the contact sync.
    pub fn member_ids(&self) -> Items<DepartmentPlace> {
        let speaker = self.clone();
        page::items(move |cursor| {
            let speaker = speaker.clone();
            async move {
                let body = IdsBody { cursor: &cursor, limit: MOST_IDS };
                let reply: IdsReply = speaker.post(&MEMBER_IDS, &body).await?;
                Ok(Chunk { rows: reply.dept_user, next: reply.next_cursor })
            }
        })
    }

    /// Returns a member (`user/get`).
    pub async fn member(&self, user: &WecomUserId) -> Result<Member, CallError> {
        self.get(&MEMBER, vec![("userid", user.as_str().to_owned())]).await
    }

    /// Lists the members of one department, without those below it (`user/simplelist`).
    pub async fn members_of(&self, department: i64) -> Result<Vec<MemberEntry>, CallError> {
        let reply: MembersReply = self.get(&MEMBERS, vec![("department_id", department.to_string())]).await?;
        Ok(reply.userlist)
    }

    /// Returns the members of one department, without those below it (`user/list`).
    pub async fn full_members_of(&self, department: i64) -> Result<Vec<Member>, CallError> {
        let query = vec![("department_id", department.to_string())];
        let reply: FullMembersReply = self.get(&FULL_MEMBERS, query).await?;
        Ok(reply.userlist)
    }

    /// Lists all departments the app sees (`department/list`).
    pub async fn departments(&self) -> Result<Vec<Department>, CallError> {
        let reply: DepartmentsReply = self.get(&DEPARTMENTS, Vec::new()).await?;
        Ok(reply.department)
    }

    /// Lists all departments without names (`department/simplelist`).
    pub async fn department_ids(&self) -> Result<Vec<DepartmentNode>, CallError> {
        let reply: DepartmentIdsReply = self.get(&DEPARTMENT_IDS, Vec::new()).await?;
        Ok(reply.department_id)
    }

    /// Returns what WeCom knows of this app (`agent/get`).
    pub async fn agent(&self) -> Result<Agent, CallError> {
        let agent_id = self.grant().await?.agent_id;
        let reply: AgentReply = self.get(&AGENT, vec![("agentid", agent_id.to_string())]).await?;
        Ok(Agent {
            name: reply.name,
            users: reply.allow_userinfos.user.into_iter().map(|row| row.userid).collect(),
            departments: reply.allow_partys.partyid,
            tags: reply.allow_tags.tagid,
            is_closed: reply.close != 0,
        })
    }
}
