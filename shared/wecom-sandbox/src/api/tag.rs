//! The corp's tags, and which of them a member gives to a customer. Nothing here raises a callback.

use serde_json::{Value, json};

use super::call::{Answered, Call, Refusal};
use super::contact::related;
use crate::draw::ALPHANUMERIC;
use crate::state::{Corp, CorpTag, Entry, Group};

/// Tags that a corp may have.
const MOST_TAGS: usize = 10_000;
/// Tags that a member may give to a customer.
const MOST_OF_CUSTOMER: usize = 3000;
const MOST_NAME_CHARS: usize = 30;

pub(super) fn list(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let (tags, groups) = (call.texts("tag_id")?, call.texts("group_id")?);
    let shown: Vec<Value> = if !groups.is_empty() {
        let asked = corp.tags.groups.iter().filter(|group| groups.contains(&group.id.as_str()));
        asked.map(|group| shown(group, |_| true)).collect()
    } else if !tags.is_empty() {
        let is_asked = |tag: &CorpTag| tags.contains(&tag.id.as_str());
        let asked = corp.tags.groups.iter().filter(|group| group.tags.iter().any(is_asked));
        asked.map(|group| shown(group, is_asked)).collect()
    } else {
        let live = corp.tags.groups.iter().filter(|group| !group.deleted);
        live.map(|group| shown(group, |tag| !tag.deleted)).collect()
    };
    Ok(json!({ "tag_group": shown }))
}

pub(super) fn add(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let wanted = call.field("tag").and_then(Value::as_array).filter(|tags| !tags.is_empty());
    let wanted = wanted.ok_or_else(|| Refusal::parameter("tag is empty"))?;
    if corp.tags.count() + wanted.len() > MOST_TAGS {
        return Err(Refusal::new(40126, "too many corp tags"));
    }
    let mut group = match (call.text("group_id")?.filter(|id| !id.is_empty()), call.text("group_name")?) {
        (Some(id), _) => live_group(corp, |group| group.id == id).ok_or_else(bad_id)?,
        (None, Some(name)) => {
            checked(name)?;
            let made = |corp: &mut Corp| Group {
                id: new_id(corp),
                name: name.to_owned(),
                created_at: call.second(),
                order: 0,
                deleted: false,
                tags: Vec::new(),
            };
            live_group(corp, |group| group.name == name).unwrap_or_else(|| made(corp))
        }
        (None, None) => return Err(Refusal::parameter("neither group_id nor group_name")),
    };
    if let Some(order) = call.number("order")? {
        group.order = order;
    }
    let known = group.tags.len();
    for tag in wanted {
        let name = tag.get("name").and_then(Value::as_str).unwrap_or_default();
        checked(name)?;
        if group.live().any(|tag| tag.name == name) {
            return Err(Refusal::new(40071, "tag name already exists"));
        }
        let order = tag.get("order").and_then(Value::as_u64).unwrap_or_default();
        let tag = CorpTag {
            id: new_id(corp),
            name: name.to_owned(),
            created_at: call.second(),
            order,
            deleted: false,
        };
        group.tags.push(tag);
    }
    let answer = json!({ "tag_group": shown(&Group { tags: group.tags[known..].to_vec(), ..group.clone() }, |_| true) });
    corp.put(Entry::Group(group));
    Ok(answer)
}

pub(super) fn edit(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let id = call.needed("id", 41017)?;
    let name = call.text("name")?;
    name.map_or(Ok(()), checked)?;
    let order = call.number("order")?;
    let mut group = live_group(corp, |group| group.id == id || group.live().any(|tag| tag.id == id))
        .ok_or_else(bad_id)?;
    let is_taken = match name {
        None => false,
        Some(name) if group.id == id => {
            live_group(corp, |other| other.id != id && other.name == name).is_some()
        }
        Some(name) => group.live().any(|tag| tag.id != id && tag.name == name),
    };
    if is_taken {
        return Err(Refusal::new(40071, "tag name already exists"));
    }
    let (old_name, old_order) = match group.tags.iter_mut().find(|tag| tag.id == id) {
        Some(tag) => (&mut tag.name, &mut tag.order),
        None => (&mut group.name, &mut group.order),
    };
    if let Some(name) = name {
        name.clone_into(old_name);
    }
    *old_order = order.unwrap_or(*old_order);
    corp.put(Entry::Group(group));
    Ok(json!({}))
}

pub(super) fn delete(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let (tags, groups) = (call.texts("tag_id")?, call.texts("group_id")?);
    if tags.is_empty() && groups.is_empty() {
        return Err(Refusal::new(41017, "neither tag_id nor group_id"));
    }
    let is_known = tags.iter().all(|id| corp.tags.find(id).is_some())
        && groups.iter().all(|id| corp.tags.groups.iter().any(|group| group.id == *id && !group.deleted));
    if !is_known {
        return Err(bad_id());
    }
    let groups: Vec<Group> = (corp.tags.groups.iter())
        .filter_map(|group| without(group, groups.contains(&group.id.as_str()), &tags))
        .collect();
    for group in groups {
        corp.put(Entry::Group(group));
    }
    Ok(json!({}))
}

pub(super) fn mark(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let (added, removed) = (call.texts("add_tag")?, call.texts("remove_tag")?);
    if added.is_empty() && removed.is_empty() {
        return Err(Refusal::new(41017, "neither add_tag nor remove_tag"));
    }
    let mut relation = related(corp, call)?;
    if added.iter().chain(&removed).any(|id| corp.tags.find(id).is_none()) {
        return Err(bad_id());
    }
    let before = relation.tags.len();
    relation.tags.retain(|id| !removed.contains(&id.as_str()));
    let mut is_changed = relation.tags.len() != before;
    for id in added {
        if !relation.tags.iter().any(|known| known == id) {
            relation.tags.push(id.to_owned());
            is_changed = true;
        }
    }
    if relation.tags.len() > MOST_OF_CUSTOMER {
        return Err(Refusal::new(40126, "too many tags of one customer"));
    }
    if is_changed {
        corp.put(Entry::Relation(relation));
    }
    Ok(json!({}))
}

/// Returns a group with tags deleted, all of them or some; a group without tags is deleted too.
fn without(group: &Group, is_all: bool, tags: &[&str]) -> Option<Group> {
    let mut changed = group.clone();
    for tag in &mut changed.tags {
        tag.deleted |= is_all || tags.contains(&tag.id.as_str());
    }
    let is_empty = changed.live().next().is_none();
    changed.deleted |= is_empty;
    (changed != *group).then_some(changed)
}

fn live_group(corp: &Corp, claim: impl Fn(&Group) -> bool) -> Option<Group> {
    corp.tags.groups.iter().find(|group| !group.deleted && claim(group)).cloned()
}

fn new_id(corp: &mut Corp) -> String {
    format!("et{}", corp.chance.text(ALPHANUMERIC, 30))
}

fn checked(name: &str) -> Result<(), Refusal> {
    if (1..=MOST_NAME_CHARS).contains(&name.chars().count()) {
        return Ok(());
    }
    Err(Refusal::new(40072, format!("a tag name has 1 to {MOST_NAME_CHARS} characters")))
}

fn bad_id() -> Refusal {
    Refusal::new(40068, "invalid tagid")
}

fn shown(group: &Group, is_asked: impl Fn(&CorpTag) -> bool) -> Value {
    let tag = |tag: &CorpTag| {
        let CorpTag { id, name, created_at, order, deleted } = tag;
        json!({ "id": id, "name": name, "create_time": created_at, "order": order, "deleted": deleted })
    };
    json!({
        "group_id": group.id, "group_name": group.name, "create_time": group.created_at, "order": group.order,
        "deleted": group.deleted,
        "tag": group.tags.iter().filter(|tag| is_asked(tag)).map(tag).collect::<Vec<Value>>(),
    })
}
