//! `message/send` and `message/update_template_card`: what the app tells members.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value, json};

use super::call::{Answered, Call, Refusal};
use super::limit::too_often;
use crate::draw::{ALPHANUMERIC, URL_SAFE};
use crate::state::{
    CODE_LIFE_MS, Card, CardCode, Corp, DAY_MS, Entry, HOUR_MS, Limit, Repeat, Shown, TaskName,
};

const MOST_USERS: usize = 1000;
/// Bytes of a text that are shown; the rest is cut.
const MOST_TEXT_BYTES: usize = 2048;
/// How long the same message is held back by default, and at most, in seconds.
const REPEAT_S: u64 = 1800;
const MOST_REPEAT_S: u64 = 4 * 60 * 60;
/// The kinds of cards that can be pressed and updated.
const PRESSABLE: &[&str] = &["button_interaction", "vote_interaction", "multiple_interaction"];
const OTHER_CARDS: &[&str] = &["text_notice", "news_notice"];
const MOST_BUTTONS: usize = 6;

/// Whom a message goes to.
struct Receivers {
    users: Vec<String>,
    unknown: Vec<String>,
    unknown_parties: Vec<String>,
}

pub(super) fn send(corp: &mut Corp, call: &Call<'_>) -> Answered {
    let receivers = receivers(corp, call)?;
    agent(call)?;
    let kind = call.needed("msgtype", 40008)?;
    let content = content(corp, call, kind)?;
    if receivers.users.is_empty() {
        return Err(Refusal::new(81013, "user & party & tag all invalid"));
    }
    let now = call.millis();
    let fingerprint = fingerprint(&call.app.app, &receivers.users, kind, &content);
    let repeats = call.number("enable_duplicate_check")?.unwrap_or(0) == 1;
    let interval = call.number("duplicate_check_interval")?.unwrap_or(REPEAT_S).min(MOST_REPEAT_S);
    if let Some(known) = corp.meter.repeated(fingerprint, now).filter(|_| repeats) {
        // Not shown again; the caller learns what the first one got.
        return Ok(answer(&receivers, &known.msgid, known.response_code.as_deref()));
    }
    let name = unused_name(corp, call, kind, &content)?;
    within_day(corp, call, receivers.users.len())?;
    if let Some(name) = name {
        corp.put(Entry::TaskName(name));
    }
    let msgid = corp.chance.text(URL_SAFE, 64);
    let is_pressable =
        content.get("card_type").and_then(Value::as_str).is_some_and(|kind| PRESSABLE.contains(&kind));
    for user_id in &receivers.users {
        let delivered = reaches(corp, call, user_id);
        corp.phones.show(Shown {
            time: call.now,
            kind: kind.to_owned(),
            user_id: user_id.clone(),
            external_user_id: None,
            customer: None,
            delivered,
            msgid: Some(msgid.clone()),
            content: content.clone(),
        });
    }
    let response_code = is_pressable.then(|| {
        let users = receivers.users.clone();
        let (app, agent_id) = (call.app.app.clone(), call.app.agent_id);
        corp.put(Entry::Card(Card { msgid: msgid.clone(), app, agent_id, users, content }));
        corp.card_code(&msgid, now)
    });
    let until = now + i64::try_from(interval).unwrap_or_default() * 1000;
    let repeat = Repeat { until, msgid: msgid.clone(), response_code: response_code.clone() };
    corp.meter.remember(fingerprint, repeat, now);
    Ok(answer(&receivers, &msgid, response_code.as_deref()))
}

pub(super) fn update(corp: &mut Corp, call: &Call<'_>) -> Answered {
    agent(call)?;
    let invalid = || Refusal::new(60140, "invalid response_code");
    let code =
        call.text("response_code")?.and_then(|code| corp.cards.code(code)).ok_or_else(invalid)?.clone();
    let card = corp.cards.find(&code.msgid).ok_or_else(invalid)?.clone();
    let is_good = !code.used && call.millis() < code.at + CODE_LIFE_MS && card.app == call.app.app;
    if !is_good {
        return Err(invalid());
    }
    let changed = match (call.field("button"), call.field("template_card")) {
        (_, Some(Value::Object(new))) => {
            checked_card(new)?;
            Value::Object(new.clone())
        }
        (Some(button), None) => {
            let name = button.get("replace_name").and_then(Value::as_str).unwrap_or_default();
            if name.is_empty() {
                return Err(Refusal::parameter("button.replace_name is empty"));
            }
            let mut changed = card.content.clone();
            changed["replace_text"] = name.into();
            changed
        }
        _ => return Err(Refusal::parameter("neither button nor template_card")),
    };
    let is_all = call.number("atall")?.unwrap_or(0) == 1;
    let (asked, parties) = (call.texts("userids")?, numbers(call, "partyids")?);
    let of_parties = corp.book.expanded(&[], &parties);
    let (users, others): (Vec<&str>, Vec<&str>) = if is_all {
        (card.users.iter().map(String::as_str).collect(), Vec::new())
    } else {
        let all = asked.into_iter().chain(of_parties.iter().map(String::as_str));
        all.partition(|user_id| card.users.iter().any(|known| known.eq_ignore_ascii_case(user_id)))
    };
    let users: Vec<String> = (card.users.iter())
        .filter(|known| users.iter().any(|user_id| user_id.eq_ignore_ascii_case(known)))
        .cloned()
        .collect();
    let others: Vec<String> = others.into_iter().map(str::to_lowercase).collect();
    corp.phones.update(&code.msgid, &users, &changed);
    corp.put(Entry::CardCode(CardCode { used: true, ..code }));
    corp.put(Entry::Card(Card { content: changed, ..card }));
    Ok(json!({ "invaliduser": others }))
}

impl Corp {
    /// Makes a code that lets a card be updated once.
    pub(crate) fn card_code(&mut self, msgid: &str, at: i64) -> String {
        let response_code = self.chance.text(ALPHANUMERIC, 43);
        let code =
            CardCode { response_code: response_code.clone(), msgid: msgid.to_owned(), at, used: false };
        self.put(Entry::CardCode(code));
        response_code
    }
}

/// Returns the name of a card that has one; refuses a name that another card of the app has.
fn unused_name(
    corp: &Corp,
    call: &Call<'_>,
    kind: &str,
    content: &Value,
) -> Result<Option<TaskName>, Refusal> {
    let task_id = content.get("task_id").and_then(Value::as_str).unwrap_or_default();
    if kind != "template_card" || task_id.is_empty() {
        return Ok(None);
    }
    if corp.cards.is_taken(&call.app.app, task_id) {
        return Err(Refusal::new(42014, "invalid task_id, it was used before"));
    }
    Ok(Some(TaskName { app: call.app.app.clone(), task_id: task_id.to_owned() }))
}

/// Refuses a message that is more than the app may send in a day.
fn within_day(corp: &mut Corp, call: &Call<'_>, receivers: usize) -> Result<(), Refusal> {
    if !corp.settings.enforce_limits {
        return Ok(());
    }
    let members = corp.book.members().count() as u64;
    let most = members.saturating_mul(corp.settings.limits.messages_per_day_and_member);
    let limit = Limit::new(format!("{} a day", call.app.app), most, DAY_MS);
    if corp.meter.admits(&[limit], receivers as u64, call.millis()) { Ok(()) } else { Err(too_often()) }
}

/// Says whether a member still gets a message of the app.
fn reaches(corp: &mut Corp, call: &Call<'_>, user_id: &str) -> bool {
    let counted = format!("{}>{user_id}", call.app.app);
    if !corp.meter.allows(&counted, corp.settings.messages_per_minute, call.millis()) {
        return false;
    }
    let hour = Limit::new(format!("{counted} an hour"), corp.settings.limits.messages_per_hour, HOUR_MS);
    !corp.settings.enforce_limits || corp.meter.admits(&[hour], 1, call.millis())
}

fn agent(call: &Call<'_>) -> Result<(), Refusal> {
    match call.number("agentid")? {
        None => Err(Refusal::new(41011, "missing agentid")),
        Some(agent_id) if agent_id == u64::from(call.app.agent_id) => Ok(()),
        Some(_) => Err(Refusal::new(40056, "invalid agentid")),
    }
}

fn receivers(corp: &Corp, call: &Call<'_>) -> Result<Receivers, Refusal> {
    let list = |name: &str| -> Result<Vec<&str>, Refusal> {
        let text = call.text(name)?.unwrap_or_default();
        Ok(text.split('|').map(str::trim).filter(|item| !item.is_empty()).collect())
    };
    let (users, parties, tags) = (list("touser")?, list("toparty")?, list("totag")?);
    if users.is_empty() && parties.is_empty() && tags.is_empty() {
        return Err(Refusal::new(82001, "touser, toparty and totag are empty"));
    }
    if users.len() > MOST_USERS {
        return Err(Refusal::parameter(format!("touser exceeds {MOST_USERS}")));
    }
    if users.contains(&"@all") {
        let everybody = corp.visible_staff(&call.app.app);
        return Ok(Receivers { users: everybody, unknown: Vec::new(), unknown_parties: Vec::new() });
    }
    let sight = corp.sight(&call.app.app);
    let sees = |user_id: &str| corp.book.find(user_id).is_some_and(|member| sight.has(member));
    let unknown = users.iter().filter(|user_id| !sees(user_id));
    let is_known = |id: &u32| sight.has_department(*id) && !corp.book.departments_below(*id).is_empty();
    let id = |party: &&str| party.parse().ok().filter(is_known);
    let ids: Vec<u32> = parties.iter().filter_map(id).collect();
    Ok(Receivers {
        users: corp.book.expanded(&users, &ids).into_iter().filter(|user_id| sees(user_id)).collect(),
        unknown: unknown.map(|user_id| user_id.to_lowercase()).collect(),
        unknown_parties: parties
            .iter()
            .filter(|party| id(party).is_none())
            .map(|id| (*id).to_owned())
            .collect(),
    })
}

fn numbers(call: &Call<'_>, name: &str) -> Result<Vec<u32>, Refusal> {
    let bad = || Refusal::parameter(format!("{name} must be a list of ids"));
    let Some(value) = call.field(name) else { return Ok(Vec::new()) };
    let id = |id: &Value| id.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(bad);
    value.as_array().ok_or_else(bad)?.iter().map(id).collect()
}

/// Checks the part of the body that `msgtype` names, and returns it.
fn content(corp: &Corp, call: &Call<'_>, kind: &str) -> Result<Value, Refusal> {
    let kinds = "text image voice video file textcard news mpnews markdown miniprogram_notice template_card";
    if !kinds.split(' ').any(|known| known == kind) {
        return Err(Refusal::new(40008, "invalid msgtype"));
    }
    let content = call.field(kind).and_then(Value::as_object);
    let content = content.ok_or_else(|| Refusal::parameter(format!("missing {kind}")))?;
    let mut shown = content.clone();
    match kind {
        "text" | "markdown" => {
            let text = content.get("content").and_then(Value::as_str).unwrap_or_default();
            if text.is_empty() {
                return Err(Refusal::new(44004, "empty content"));
            }
            let end = (0..=MOST_TEXT_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
            shown.insert("content".to_owned(), text.get(..end.unwrap_or_default()).into());
        }
        "image" | "voice" | "video" | "file" => {
            let media_id = content.get("media_id").and_then(Value::as_str).unwrap_or_default();
            if corp.media.find(media_id, call.second()).is_none() {
                return Err(Refusal::new(40007, "invalid media_id"));
            }
        }
        "template_card" => checked_card(content)?,
        _ => {}
    }
    Ok(Value::Object(shown))
}

fn checked_card(card: &Map<String, Value>) -> Result<(), Refusal> {
    let text = |name: &str| card.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = text("card_type");
    if !PRESSABLE.contains(&kind) && !OTHER_CARDS.contains(&kind) {
        return Err(Refusal::parameter("invalid template_card.card_type"));
    }
    let task_id = text("task_id");
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-@".contains(&byte);
    if task_id.len() > 128 || !task_id.bytes().all(is_word) {
        return Err(Refusal::new(42014, "invalid task_id"));
    }
    if kind != "button_interaction" {
        return Ok(());
    }
    let buttons = card.get("button_list").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !(1..=MOST_BUTTONS).contains(&buttons.len()) {
        return Err(Refusal::parameter(format!("a card has 1 to {MOST_BUTTONS} buttons")));
    }
    let is_usable = |button: &Value| {
        let filled =
            |name: &str| button.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        let is_link = button.get("type").and_then(Value::as_u64) == Some(1);
        filled("text") && filled(if is_link { "url" } else { "key" })
    };
    if buttons.iter().all(is_usable) {
        Ok(())
    } else {
        Err(Refusal::parameter("a button lacks text, key or url"))
    }
}

fn fingerprint(app: &str, users: &[String], kind: &str, content: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    (app, users, kind, content.to_string()).hash(&mut hasher);
    hasher.finish()
}

fn answer(receivers: &Receivers, msgid: &str, response_code: Option<&str>) -> Value {
    let mut answer = json!({ "errcode": 0, "errmsg": "ok", "msgid": msgid });
    for (name, list) in [("invaliduser", &receivers.unknown), ("invalidparty", &receivers.unknown_parties)] {
        if !list.is_empty() {
            answer[name] = list.join("|").into();
        }
    }
    if let Some(response_code) = response_code {
        answer["response_code"] = response_code.into();
    }
    answer
}
