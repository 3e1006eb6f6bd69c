//! `send_welcome_msg`: a member's greeting, within 20 seconds and once.

use scrm_kernel::Timestamp;
use serde_json::{Map, Value, json};

use super::call::{Call, Refusal};
use crate::state::{Corp, Entry, Shown, WINDOW_MS, Welcome};

const MOST_ATTACHMENTS: usize = 9;
const MOST_TEXT_BYTES: usize = 4000;

/// A greeting that is on its way.
pub(super) struct Claim {
    welcome: Welcome,
    content: Value,
    time: Timestamp,
}

/// Checks a greeting and keeps others from using its code meanwhile.
pub(super) fn claim(corp: &mut Corp, call: &Call<'_>) -> Result<Claim, Refusal> {
    let code = call.needed("welcome_code", 41049)?;
    content(corp, call)?;
    let now = call.millis();
    let welcome = corp.welcomes.find(code).ok_or_else(invalid)?;
    if corp.welcomes.is_greeted(welcome) {
        return Err(Refusal::new(41051, "externaluser has started chatting, or was welcomed before"));
    }
    if now >= welcome.at + WINDOW_MS {
        return Err(invalid());
    }
    let relation = corp.relations.find(&welcome.user_id, &welcome.external_user_id);
    if corp.settings.archive_consent && !relation.is_some_and(|relation| relation.agreed) {
        return Err(Refusal::new(41053, "externaluser has not agreed to the archiving of chats"));
    }
    let claim = Claim {
        welcome: welcome.clone(),
        content: Value::Object(
            call.body.clone().into_iter().filter(|(name, _)| name != "welcome_code").collect(),
        ),
        time: call.now,
    };
    if !corp.welcomes.sending.insert(claim.welcome.pair()) {
        return Err(Refusal::new(41096, "a welcome message is being sent"));
    }
    Ok(claim)
}

/// Delivers a greeting.
pub(super) fn deliver(corp: &mut Corp, claim: Claim) -> Value {
    let Claim { welcome, content, time } = claim;
    corp.welcomes.sending.remove(&welcome.pair());
    corp.phones.show(Shown {
        time,
        kind: "welcome".to_owned(),
        user_id: welcome.user_id.clone(),
        external_user_id: Some(welcome.external_user_id.clone()),
        customer: Some(corp.company.profile(&welcome.external_user_id).name),
        delivered: true,
        msgid: None,
        content,
    });
    corp.put(Entry::Welcome(Welcome { done: true, ..welcome }));
    json!({})
}

fn invalid() -> Refusal {
    Refusal::new(41050, "invalid or expired welcome_code")
}

/// Checks text and attachments.
fn content(corp: &Corp, call: &Call<'_>) -> Result<(), Refusal> {
    let text = call.field("text").and_then(|text| text.get("content")).and_then(Value::as_str);
    let text = text.unwrap_or_default();
    let attachments = match call.field("attachments") {
        None => &[],
        Some(Value::Array(attachments)) => attachments.as_slice(),
        Some(_) => return Err(Refusal::parameter("attachments must be a list")),
    };
    if text.is_empty() && attachments.is_empty() {
        return Err(Refusal::parameter("text and attachments are empty"));
    }
    if text.len() > MOST_TEXT_BYTES {
        return Err(Refusal::parameter(format!("text exceeds {MOST_TEXT_BYTES} bytes")));
    }
    if attachments.len() > MOST_ATTACHMENTS {
        return Err(Refusal::new(41064, format!("more than {MOST_ATTACHMENTS} attachments")));
    }
    attachments.iter().try_for_each(|attachment| attached(corp, call, attachment))
}

fn attached(corp: &Corp, call: &Call<'_>, attachment: &Value) -> Result<(), Refusal> {
    let kind = attachment.get("msgtype").and_then(Value::as_str).unwrap_or_default();
    let empty = Map::new();
    let fields = attachment.get(kind).and_then(Value::as_object).unwrap_or(&empty);
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let known = |media_id: &str, kinds: &[&str]| match corp.media.find(media_id, call.second()) {
        Some(media) if kinds.contains(&media.kind.as_str()) => Ok(()),
        _ => Err(Refusal::new(40007, "invalid media_id")),
    };
    let filled = |name: &str, most: usize| match text(name).len() {
        0 => Err(Refusal::parameter(format!("{kind}.{name} is empty"))),
        bytes if bytes > most => Err(Refusal::parameter(format!("{kind}.{name} exceeds {most} bytes"))),
        _ => Ok(()),
    };
    match kind {
        // A media_id wins over a picture's address.
        "image" if text("media_id").is_empty() && !text("pic_url").is_empty() => Ok(()),
        "image" => known(text("media_id"), &["image"]),
        "video" => known(text("media_id"), &["video"]),
        "file" => known(text("media_id"), &["file", "image", "video", "voice"]),
        "link" => {
            filled("title", 128)?;
            filled("url", 2048)?;
            let is_long = text("picurl").len() > 2048 || text("desc").len() > 512;
            if is_long { Err(Refusal::parameter("link.picurl or link.desc is too long")) } else { Ok(()) }
        }
        "miniprogram" => {
            filled("title", 64)?;
            filled("appid", 128)?;
            filled("page", 1024)?;
            known(text("pic_media_id"), &["image"])
        }
        _ => Err(Refusal::new(41065, "invalid attachment msgtype")),
    }
}
