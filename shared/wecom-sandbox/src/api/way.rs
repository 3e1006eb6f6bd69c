//! Contact ways (联系我): the codes that customers scan to meet a member.

use serde_json::{Map, Value, json};

use super::book::{out_of_range, seen_member};
use super::call::{Answered, Call, Refusal};
use super::page::continued;
use crate::draw::HEX;
use crate::state::{Corp, Entry, Way, parties, users};

/// Members behind one way, departments expanded.
const MOST_MEMBERS: usize = 100;
/// Ways of one corp.
const MOST_WAYS: usize = 500_000;
/// How far back the list goes when the call does not say, in seconds: 90 days.
const LISTED_S: u64 = 90 * 24 * 60 * 60;
/// Characters of `remark` and `state`.
const MOST_CHARS: usize = 30;
/// The longest life of a temporary code or chat, in seconds: 14 days.
const MOST_TEMPORARY_S: u64 = 14 * 24 * 60 * 60;

/// What can be changed later.
const CHANGEABLE: &[&str] = &[
    "remark",
    "skip_verify",
    "style",
    "state",
    "user",
    "party",
    "expires_in",
    "chat_expires_in",
    "unionid",
    "conclusions",
    "mark_source",
    "is_exclusive",
];

pub(super) fn add(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let kind = call.number("type")?.ok_or_else(|| Refusal::new(41037, "missing contact way type"))?;
    let scene = call.number("scene")?.ok_or_else(|| Refusal::new(41038, "missing contact way scene"))?;
    if !matches!(kind, 1 | 2) {
        return Err(Refusal::new(41039, "invalid contact way type"));
    }
    if !matches!(scene, 1 | 2) {
        return Err(Refusal::new(41040, "invalid contact way scene"));
    }
    if corp.ways.count() >= MOST_WAYS {
        return Err(Refusal::new(41045, "too many contact ways"));
    }
    let config_id = corp.chance.text(HEX, 32);
    let mut fields = defaults(kind, scene);
    fields.insert("config_id".to_owned(), config_id.clone().into());
    if scene == 2 {
        let code = format!("https://wework.qpic.cn.example/wwpic/{}/0", corp.chance.text(HEX, 24));
        fields.insert("qr_code".to_owned(), code.into());
    }
    if let Some(is_temp) = call.field("is_temp") {
        fields.insert("is_temp".to_owned(), is_temp.clone());
    }
    merge(&mut fields, call)?;
    checked(corp, call, &fields)?;
    let mut answer = json!({ "config_id": config_id });
    if let Some(code) = fields.get("qr_code") {
        answer["qr_code"] = code.clone();
    }
    let created_at = call.second();
    corp.put(Entry::Way(Way { config_id, created_at, fields, handed: 0, deleted: false }));
    Ok(answer)
}

pub(super) fn get(corp: &mut Corp, call: &Call<'_>) -> Answered {
    Ok(json!({ "contact_way": found(corp, call)?.fields }))
}

pub(super) fn list(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let page = call.page(corp, call.limit(1000, 100)?)?;
    let end = call.number("end_time")?.unwrap_or_else(|| call.second().unsigned_abs());
    let begin = call.number("start_time")?.unwrap_or(end.saturating_sub(LISTED_S));
    let is_asked = |way: &Way| (begin..=end).contains(&way.created_at.unsigned_abs()) && !way.is_temporary();
    let (ways, next) = page.of(corp.ways.from(page.from).filter(|(_, way)| is_asked(way)));
    let ways: Vec<Value> = ways.into_iter().map(|way| json!({ "config_id": way.config_id })).collect();
    Ok(continued(json!({ "contact_way": ways }), next))
}

pub(super) fn update(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let mut way = found(corp, call)?.clone();
    merge(&mut way.fields, call)?;
    checked(corp, call, &way.fields)?;
    corp.put(Entry::Way(way));
    Ok(json!({}))
}

pub(super) fn delete(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let way = Way { deleted: true, ..found(corp, call)?.clone() };
    corp.put(Entry::Way(way));
    Ok(json!({}))
}

fn found<'a>(corp: &'a Corp, call: &Call<'_>) -> Result<&'a Way, Refusal> {
    let config_id = call.needed("config_id", 41043)?;
    corp.ways.find(config_id).ok_or_else(|| Refusal::new(41044, "invalid contact way config_id"))
}

fn defaults(kind: u64, scene: u64) -> Map<String, Value> {
    let defaults = json!({
        "type": kind, "scene": scene, "remark": "", "skip_verify": true, "state": "", "user": [], "party": [],
        "is_temp": false, "is_exclusive": false, "mark_source": true,
    });
    match defaults {
        Value::Object(mut fields) => {
            if scene == 1 {
                fields.insert("style".to_owned(), 1.into());
            }
            fields
        }
        _ => Map::new(),
    }
}

/// Takes over what the call gives; lists replace the old ones.
fn merge(fields: &mut Map<String, Value>, call: &Call<'_>) -> Result<(), Refusal> {
    call.short("remark", MOST_CHARS)?;
    call.short("state", MOST_CHARS)?;
    call.texts("user")?;
    for name in ["skip_verify", "is_temp", "is_exclusive", "mark_source"] {
        if call.field(name).is_some_and(|value| !value.is_boolean()) {
            return Err(Refusal::parameter(format!("{name} must be true or false")));
        }
    }
    for name in ["expires_in", "chat_expires_in"] {
        if call.number(name)?.is_some_and(|seconds| !(1..=MOST_TEMPORARY_S).contains(&seconds)) {
            return Err(Refusal::parameter(format!("{name} exceeds 14 days")));
        }
    }
    if call.number("style")?.is_some_and(|style| !(1..=3).contains(&style)) {
        return Err(Refusal::new(41042, "invalid contact way style"));
    }
    if let Some(conclusions) = call.field("conclusions").filter(|value| !value.is_object()) {
        return Err(Refusal::parameter(format!("conclusions must be an object, not {conclusions}")));
    }
    for name in CHANGEABLE {
        if let Some(value) = call.field(name) {
            fields.insert((*name).to_owned(), value.clone());
        }
    }
    Ok(())
}

fn checked(corp: &Corp, call: &Call<'_>, fields: &Map<String, Value>) -> Result<(), Refusal> {
    let (users, parties) = (users(fields), parties(fields));
    users.iter().try_for_each(|user_id| seen_member(corp, call, user_id).map(drop))?;
    let given = fields.get("party").and_then(Value::as_array).map_or(0, Vec::len);
    if parties.len() != given || parties.iter().any(|id| corp.book.departments_below(*id).is_empty()) {
        return Err(Refusal::new(60003, "department not found"));
    }
    let sight = corp.sight(&call.app.app);
    if !parties.iter().all(|id| sight.has_department(*id)) {
        return Err(out_of_range());
    }
    let is_single = fields.get("type").and_then(Value::as_u64) == Some(1);
    let members = corp.book.expanded(&users, &parties).len();
    match (is_single, members) {
        (true, 1) if users.len() == 1 && parties.is_empty() => Ok(()),
        (true, 0) => Err(Refusal::new(40063, "type 1 needs one user")),
        (true, _) => Err(Refusal::new(41041, "type 1 takes exactly one user")),
        (false, 0) => Err(Refusal::new(40063, "neither user nor party has members")),
        (false, members) if members > MOST_MEMBERS => {
            Err(Refusal::new(41041, "too many members behind a contact way"))
        }
        (false, _) => Ok(()),
    }
}
