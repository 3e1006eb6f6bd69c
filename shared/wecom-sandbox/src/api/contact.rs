//! Customers and what members know of them.

use serde_json::{Map, Value, json};

use super::book::seen_member;
use super::call::{Answered, Call, Refusal};
use super::page::{Page, continued};
use crate::draw::URL_SAFE;
use crate::state::{Corp, Entry, Relation};

/// Followers on one page of `externalcontact/get`.
const FOLLOWERS: usize = 500;
/// Members that one call of `batch/get_by_user` may name.
const MOST_MEMBERS: usize = 100;
/// Relations of one member that a cursor can tell apart.
const PLACES: usize = 1 << 40;

pub(super) fn follow_users(corp: &Corp, call: &Call<'_>) -> Value {
    json!({ "follow_user": corp.visible_staff(&call.app.app) })
}

pub(super) fn list(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let user_id = call.parameter("userid").ok_or_else(|| Refusal::new(41009, "missing userid"))?;
    seen_member(corp, call, user_id)?;
    let of_member = corp.relations.of_member(user_id, 0);
    let ids: Vec<&str> = of_member.map(|(_, relation)| relation.external_user_id.as_str()).collect();
    if ids.is_empty() {
        return Err(no_relation());
    }
    Ok(json!({ "external_userid": ids }))
}

pub(super) fn get(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let id = call.parameter("external_userid");
    let id = id.ok_or_else(|| Refusal::new(41035, "missing external_userid"))?;
    checked(id)?;
    // A customer with no member at all would be none.
    let page = Page::asked(corp, call.parameter("cursor").unwrap_or_default(), FOLLOWERS)?.never_empty();
    let sees = |relation: &Relation| corp.sees(&call.app.app, &relation.user_id);
    let followers = corp.relations.followers(id).enumerate().skip(page.from);
    let followers = followers.filter(|(_, relation)| sees(relation));
    let (followers, next) = page.of(followers);
    if followers.is_empty() {
        return Err(no_relation());
    }
    let follow_user: Vec<Value> = followers.into_iter().map(|relation| follower(corp, relation)).collect();
    let answer = json!({ "external_contact": external_contact(corp, id), "follow_user": follow_user });
    Ok(continued(answer, next))
}

/// One row for each relation of the members, in the order in which the members are named.
pub(super) fn batch(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let members = call.texts("userid_list")?;
    if members.is_empty() {
        return Err(Refusal::new(40031, "userid_list is empty"));
    }
    if members.len() > MOST_MEMBERS {
        return Err(Refusal::new(40032, format!("userid_list exceeds {MOST_MEMBERS}")));
    }
    members.iter().try_for_each(|user_id| seen_member(corp, call, user_id).map(drop))?;
    let page = call.page(corp, call.limit(100, 50)?)?;
    let (first, begin) = (page.from / PLACES, page.from % PLACES);
    let rows = members.iter().enumerate().skip(first).flat_map(|(i, user_id)| {
        let begin = if i == first { begin } else { 0 };
        let of_member = corp.relations.of_member(user_id, begin);
        of_member.map(move |(place, relation)| (i * PLACES + place, relation))
    });
    let (rows, next) = page.of(rows);
    let rows = rows.into_iter().map(|relation| {
        let contact = external_contact(corp, &relation.external_user_id);
        json!({ "external_contact": contact, "follow_info": follow_info(corp, relation) })
    });
    Ok(continued(json!({ "external_contact_list": rows.collect::<Vec<Value>>() }), next))
}

pub(super) fn remark(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let mut relation = related(corp, call)?;
    let remark = call.short("remark", 20)?;
    let description = call.short("description", 150)?;
    let company = call.short("remark_company", 20)?;
    let mobiles = call.field("remark_mobiles").map(|_| call.texts("remark_mobiles")).transpose()?;
    let picture = call.text("remark_pic_mediaid")?;
    if picture.is_some_and(|media_id| corp.media.find(media_id, call.second()).is_none()) {
        return Err(Refusal::new(40007, "invalid media_id"));
    }
    let is_empty = remark.or(description).or(company).or(picture).is_none() && mobiles.is_none();
    if is_empty {
        return Err(Refusal::parameter("nothing to change"));
    }
    let texts = [
        (&mut relation.remark, remark),
        (&mut relation.description, description),
        (&mut relation.remark_company, company),
    ];
    for (known, new) in texts {
        if let Some(new) = new {
            new.clone_into(known);
        }
    }
    if let Some(mobiles) = mobiles {
        let mobiles = mobiles.into_iter().filter(|mobile| !mobile.is_empty());
        relation.remark_mobiles = mobiles.map(str::to_owned).collect();
    }
    corp.put(Entry::Relation(relation));
    Ok(json!({}))
}

/// Returns the relation that the body names by `userid` and `external_userid`.
pub(super) fn related(corp: &Corp, call: &Call<'_>) -> Result<Relation, Refusal> {
    let user_id = call.needed("userid", 41009)?;
    let external_user_id = call.needed("external_userid", 41035)?;
    seen_member(corp, call, user_id)?;
    checked(external_user_id)?;
    corp.relations.find(user_id, external_user_id).cloned().ok_or_else(no_relation)
}

pub(super) fn no_relation() -> Refusal {
    Refusal::new(84061, "not external contact")
}

/// Refuses what cannot be the id of a customer.
pub(super) fn checked(external_user_id: &str) -> Result<(), Refusal> {
    let is_one = ["wm", "wo", "wb"].iter().any(|prefix| external_user_id.starts_with(prefix))
        && external_user_id.len() <= 64
        && external_user_id.bytes().all(|byte| URL_SAFE.contains(&byte));
    if is_one { Ok(()) } else { Err(Refusal::new(40096, "invalid external userid")) }
}

fn external_contact(corp: &Corp, id: &str) -> Value {
    let customer = corp.company.profile(id);
    let mut contact = json!({
        "external_userid": id, "name": customer.name, "avatar": customer.avatar, "type": 1, "gender": customer.gender,
    });
    if id.starts_with("wo") {
        contact["type"] = 2.into();
        contact["position"] = "".into();
        contact["corp_name"] = "合作伙伴".into();
        contact["corp_full_name"] = "合作伙伴有限公司".into();
    }
    contact
}

/// What both forms of a relation show.
fn shared(relation: &Relation) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("userid".to_owned(), relation.user_id.as_str().into());
    shown.insert("remark".to_owned(), relation.remark.as_str().into());
    shown.insert("description".to_owned(), relation.description.as_str().into());
    shown.insert("createtime".to_owned(), relation.created_at.into());
    shown.insert("remark_mobiles".to_owned(), relation.remark_mobiles.clone().into());
    shown.insert("add_way".to_owned(), relation.add_way.into());
    shown.insert("oper_userid".to_owned(), relation.oper_user_id.as_str().into());
    if let Some(state) = &relation.state {
        shown.insert("state".to_owned(), state.as_str().into());
    }
    if !relation.remark_company.is_empty() {
        shown.insert("remark_corp_name".to_owned(), relation.remark_company.as_str().into());
    }
    shown
}

fn follower(corp: &Corp, relation: &Relation) -> Value {
    let tag = |id: &String| {
        let (group, tag) = corp.tags.find(id)?;
        Some(json!({ "group_name": group.name, "tag_name": tag.name, "tag_id": tag.id, "type": 1 }))
    };
    let mut shown = shared(relation);
    shown.insert("tags".to_owned(), relation.tags.iter().filter_map(tag).collect());
    shown.into()
}

fn follow_info(corp: &Corp, relation: &Relation) -> Value {
    let live = relation.tags.iter().filter(|id| corp.tags.find(id).is_some());
    let mut shown = shared(relation);
    shown.insert("tag_id".to_owned(), live.map(String::as_str).collect());
    shown.into()
}
