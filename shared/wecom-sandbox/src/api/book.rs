//! The contact book: members, departments, the app's visible range.
//!
//! Mobile, mail, picture and the like are missing, as they are for apps made since 2022-06-20.

use serde_json::{Value, json};

use super::call::{Answered, Call, Refusal};
use super::page::continued;
use crate::app::SELF_BUILT;
use crate::company::Department;
use crate::state::{Corp, Member};

pub(super) fn user_get(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let user_id = call.parameter("userid").ok_or_else(|| Refusal::new(41009, "missing userid"))?;
    Ok(record(corp, seen_member(corp, call, user_id)?))
}

pub(super) fn user_simplelist(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let list = members(corp, call)?.into_iter().map(
        |member| json!({ "userid": member.user_id, "name": member.name, "department": member.departments, "open_userid": "" }),
    );
    Ok(json!({ "userlist": list.collect::<Vec<Value>>() }))
}

pub(super) fn user_list(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let list = members(corp, call)?.into_iter().map(|member| record(corp, member));
    Ok(json!({ "userlist": list.collect::<Vec<Value>>() }))
}

/// One row for each member and department. Only for the contact sync, for which the company's own apps stand here.
pub(super) fn user_list_id(corp: &mut Corp, call: &Call<'_>) -> Answered {
    if call.app.kind != SELF_BUILT || corp.settings.strict_secrets {
        return Err(Refusal::new(48002, "api forbidden"));
    }
    let page = call.page(corp, call.limit(10_000, 10_000)?)?;
    let sight = corp.sight(&call.app.app);
    let seen = corp.book.members().filter(|member| sight.has(member));
    let rows = seen.flat_map(|member| {
        let row = |id: &u32| json!({ "userid": member.user_id, "department": id });
        member.departments.iter().map(row).collect::<Vec<Value>>()
    });
    let (rows, next) = page.of(rows.enumerate().skip(page.from));
    Ok(continued(json!({ "dept_user": rows }), next))
}

pub(super) fn department_list(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let list = departments(corp, call)?.into_iter().map(|department| department_record(corp, department));
    Ok(json!({ "department": list.collect::<Vec<Value>>() }))
}

pub(super) fn department_simplelist(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let row = |department: &Department| json!({ "id": department.id, "parentid": department.parent_id, "order": order(department) });
    Ok(json!({ "department_id": departments(corp, call)?.into_iter().map(row).collect::<Vec<Value>>() }))
}

pub(super) fn department_get(corp: &mut Corp, call: &Call<'_>) -> Answered {
    call.parameter("id").ok_or_else(unknown_department)?;
    let department = departments(corp, call)?.into_iter().next().ok_or_else(unknown_department)?;
    Ok(json!({ "department": department_record(corp, department) }))
}

/// An app with no range of its own sees everybody: all departments, and all members once more.
pub(super) fn agent_get(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let agent_id = call.parameter("agentid").ok_or_else(|| Refusal::new(41011, "missing agentid"))?;
    if agent_id != call.app.agent_id.to_string() {
        return Err(Refusal::new(40056, "invalid agentid"));
    }
    let (user_ids, departments) = match corp.ranges.of(&call.app.app) {
        Some(visible) => (visible.user_ids.clone(), visible.department_ids.clone()),
        None => (corp.visible_staff(&call.app.app), vec![1]),
    };
    let users: Vec<Value> = user_ids.iter().map(|user_id| json!({ "userid": user_id })).collect();
    Ok(json!({
        "agentid": call.app.agent_id, "name": call.app.app, "square_logo_url": "", "description": "",
        "allow_userinfos": { "user": users },
        "allow_partys": { "partyid": departments }, "allow_tags": { "tagid": [] },
        "close": 0, "redirect_domain": "", "report_location_flag": 0, "isreportenter": 0, "home_url": "",
        "customized_publish_status": 1,
    }))
}

pub(super) fn unknown_member() -> Refusal {
    Refusal::new(60111, "userid not found")
}

/// Refuses what lies outside of the app's visible range (60011).
pub(super) fn out_of_range() -> Refusal {
    Refusal::new(60011, "no privilege to access/modify contact/party/agent")
}

/// Finds a member whom the calling app sees.
pub(super) fn seen_member<'a>(corp: &'a Corp, call: &Call<'_>, user_id: &str) -> Result<&'a Member, Refusal> {
    let member = corp.book.find(user_id).ok_or_else(unknown_member)?;
    if corp.sight(&call.app.app).has(member) { Ok(member) } else { Err(out_of_range()) }
}

fn unknown_department() -> Refusal {
    Refusal::new(60003, "department not found")
}

/// Returns the members of the department that the call names, not those below it, as far as the app sees them.
fn members<'a>(corp: &'a Corp, call: &Call<'_>) -> Result<Vec<&'a Member>, Refusal> {
    let id = call.parameter("department_id").ok_or_else(|| Refusal::parameter("missing department_id"))?;
    let id: u32 = id.parse().map_err(|_| Refusal::new(60123, "invalid department id"))?;
    if corp.book.departments_below(id).is_empty() {
        return Err(unknown_department());
    }
    let sight = corp.sight(&call.app.app);
    Ok(corp.book.members().filter(|member| member.departments.contains(&id) && sight.has(member)).collect())
}

/// Returns the department that the call names and all below it, or else all that the app sees.
fn departments<'a>(corp: &'a Corp, call: &Call<'_>) -> Result<Vec<&'a Department>, Refusal> {
    let sight = corp.sight(&call.app.app);
    let Some(id) = call.parameter("id") else {
        let all = corp.book.departments_below(1).into_iter();
        return Ok(all.filter(|department| sight.has_department(department.id)).collect());
    };
    let id = id.parse().map_err(|_| Refusal::new(60123, "invalid department id"))?;
    let departments = corp.book.departments_below(id);
    if departments.is_empty() {
        return Err(unknown_department());
    }
    if sight.has_department(id) { Ok(departments) } else { Err(out_of_range()) }
}

fn record(corp: &Corp, member: &Member) -> Value {
    let leads = u8::from(member.is_leader);
    let main = member.departments.first().copied().unwrap_or(1);
    let leader = corp.book.members().find(|other| {
        other.is_leader && other.departments.contains(&main) && other.user_id != member.user_id
    });
    json!({
        "userid": member.user_id, "name": member.name, "department": member.departments,
        "order": vec![0; member.departments.len()], "position": member.position,
        "is_leader_in_dept": vec![leads; member.departments.len()],
        "direct_leader": leader.map(|leader| &leader.user_id).into_iter().collect::<Vec<_>>(),
        "main_department": main, "alias": "", "telephone": "", "status": 1, "open_userid": "",
        "extattr": { "attrs": [] }, "external_position": "", "external_profile": { "external_corp_name": "", "external_attr": [] },
    })
}

fn department_record(corp: &Corp, department: &Department) -> Value {
    let leaders = corp
        .book
        .members()
        .filter(|member| member.is_leader && member.departments.contains(&department.id))
        .map(|member| &member.user_id);
    json!({
        "id": department.id, "name": department.name, "name_en": "", "parentid": department.parent_id,
        "department_leader": leaders.collect::<Vec<_>>(), "order": order(department),
    })
}

/// The larger the order, the higher the department stands.
fn order(department: &Department) -> u32 {
    100_000_000 - department.id
}
