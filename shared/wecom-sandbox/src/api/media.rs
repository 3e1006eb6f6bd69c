//! Uploaded files: good for three days, then their `media_id` is worth nothing.

use std::fs;

use actix_web::web::Bytes;
use serde_json::json;

use super::call::{Answered, Call, Refusal, Reply};
use super::multipart::Upload;
use crate::draw::URL_SAFE;
use crate::state::{Corp, Entry, Media};

/// WeCom takes nothing smaller than this.
const LEAST_BYTES: usize = 6;
const MIB: usize = 1 << 20;
/// Bytes of each type at most, and what WeCom calls more.
const LIMITS: &[(&str, usize, i64)] = &[
    ("image", 10 * MIB, 40009),
    ("voice", 2 * MIB, 40006),
    ("video", 10 * MIB, 40011),
    ("file", 20 * MIB, 40006),
];

pub(super) fn upload(corp: &mut Corp, call: &Call<'_>, file: Option<Upload>) -> Answered {
    let kind = call.parameter("type").unwrap_or_default();
    let limit = LIMITS.iter().find(|(name, _, _)| *name == kind);
    let (_, most, too_big) = limit.ok_or_else(|| Refusal::new(40004, "invalid media type"))?;
    let file = file.ok_or_else(|| Refusal::new(44001, "empty media data"))?;
    if file.bytes.len() < LEAST_BYTES {
        return Err(Refusal::new(40006, "media size out of range"));
    }
    if file.bytes.len() > *most {
        return Err(Refusal::new(*too_big, "media size out of range"));
    }
    if !is_of(kind, &file.bytes) {
        return Err(Refusal::new(40005, "invalid file type"));
    }
    let media = Media {
        id: format!("3{}", corp.chance.text(URL_SAFE, 63)),
        kind: kind.to_owned(),
        filename: file.filename,
        content_type: file.content_type,
        created_at: call.second(),
    };
    let written = corp.media.folder().map(|folder| folder.join(&media.id));
    if let Err(error) = written.and_then(|path| fs::write(path, &file.bytes)) {
        tracing::error!(%error, "Cannot keep an uploaded file");
        return Err(Refusal::new(-1, "system busy"));
    }
    let answer = json!({ "type": kind, "media_id": media.id, "created_at": media.created_at.to_string() });
    corp.put(Entry::Media(media));
    Ok(answer)
}

/// Says whether a file begins as WeCom wants it of its type: JPG or PNG, AMR, MP4; a `file` is anything.
fn is_of(kind: &str, bytes: &[u8]) -> bool {
    match kind {
        "image" => bytes.starts_with(b"\xff\xd8\xff") || bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "voice" => bytes.starts_with(b"#!AMR"),
        "video" => bytes.get(4..8) == Some(b"ftyp"),
        _ => true,
    }
}

/// A picture for links and cards: its address stays good.
pub(super) fn upload_picture(corp: &mut Corp, _: &Call<'_>, file: Option<Upload>) -> Answered {
    let file = file.ok_or_else(|| Refusal::new(44001, "empty media data"))?;
    if !(LEAST_BYTES..=2 * MIB).contains(&file.bytes.len()) {
        return Err(Refusal::new(40009, "image size out of range"));
    }
    Ok(json!({ "url": format!("https://wework.qpic.cn.example/wwpic/{}/0", corp.chance.text(URL_SAFE, 32)) }))
}

pub(super) fn get(corp: &mut Corp, call: &Call<'_>) -> Result<Reply, Refusal> {
    let media_id = call.parameter("media_id").ok_or_else(|| Refusal::new(41006, "missing media_id"))?;
    let invalid = || Refusal::new(40007, "invalid media_id");
    let media = corp.media.find(media_id, call.second()).ok_or_else(invalid)?;
    let bytes = fs::read(corp.media.path(media)).map_err(|_| invalid())?;
    Ok(Reply::File {
        content_type: media.content_type.clone(),
        filename: media.filename.clone(),
        bytes: Bytes::from(bytes),
    })
}
