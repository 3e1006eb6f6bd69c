//! A call as it came over the wire, and what the record keeps of it.

use std::collections::HashMap;
use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Query};
use scrm_kernel::Timestamp;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::call::{Refusal, Reply};
use super::multipart::{self, Upload};

/// Parameters of the address that the record does not show.
const SECRETS: &[&str] =
    &["access_token", "corpsecret", "suite_access_token", "provider_access_token", "suite_secret"];

/// Fields of bodies and answers that the record does not show either; in bodies only of calls of providers.
const SECRET_FIELDS: &[&str] = &[
    "access_token",
    "suite_access_token",
    "suite_secret",
    "suite_ticket",
    "auth_code",
    "pre_auth_code",
    "permanent_code",
];

/// A call.
pub(super) struct Heard {
    pub(super) time: Timestamp,
    pub(super) method: String,
    pub(super) path: String,
    /// The path below `/cgi-bin/`.
    pub(super) name: String,
    pub(super) query: HashMap<String, String>,
    /// From which address it came.
    pub(super) peer: Option<IpAddr>,
    raw_query: String,
    content_type: String,
    body: Bytes,
}

impl Heard {
    pub(super) fn new(request: &HttpRequest, body: Bytes, time: Timestamp) -> Self {
        let path = request.path().to_owned();
        let query = Query::<HashMap<String, String>>::from_query(request.query_string());
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Self {
            time,
            method: request.method().to_string(),
            name: path.trim_start_matches("/cgi-bin/").trim_end_matches('/').to_owned(),
            path,
            query: query.map(Query::into_inner).unwrap_or_default(),
            peer: request.peer_addr().map(|address| address.ip()),
            raw_query: request.query_string().to_owned(),
            content_type: content_type.unwrap_or_default().to_owned(),
            body,
        }
    }

    /// Refuses the call because somebody wants it so.
    pub(super) fn refused_on_request(&self, errcode: i64) -> Refusal {
        match errcode {
            60020 if self.peer.is_some() => self.untrusted(),
            _ => Refusal::new(errcode, "refused on request"),
        }
    }

    /// Refuses the call because of its address, which WeCom names (60020).
    pub(super) fn untrusted(&self) -> Refusal {
        let hint = format!("hint: [{}_1_sandbox]", self.time.timestamp());
        let peer = self.peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
        Refusal::new(60020, format!("not allow to access from your ip, {hint}, from ip: {peer}"))
    }

    /// Reads the body, where none is as good as an empty object.
    pub(super) fn json(&self) -> Result<Map<String, Value>, Refusal> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(fields)) => Ok(fields),
            _ => Err(Refusal::parameter("the body is not a JSON object")),
        }
    }

    /// Returns the file that was uploaded.
    pub(super) fn file(&self) -> Option<Upload> {
        multipart::upload(&self.content_type, &self.body)
    }

    /// Returns the parameters of the address without the secrets among them.
    pub(super) fn shown_query(&self) -> String {
        let shown = self.raw_query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if SECRETS.contains(&name) => format!("{name}=***"),
            _ => pair.to_owned(),
        });
        shown.collect::<Vec<String>>().join("&")
    }

    /// Keeps JSON as it came, and of anything else (uploads) what it was.
    pub(super) fn taken_down(&self) -> Box<RawValue> {
        if self.body.is_empty() {
            return raw(&Value::Null);
        }
        if self.name.starts_with("service/")
            && let Ok(body) = self.json()
        {
            return raw(&hidden(Value::Object(body)));
        }
        let json: Result<&RawValue, _> = serde_json::from_slice(&self.body);
        match json {
            // A record is one line, whatever line breaks the caller put into his JSON.
            Ok(json) if !json.get().contains(['\n', '\r']) => json.to_owned(),
            Ok(json) => raw(&serde_json::from_str(json.get()).unwrap_or_default()),
            Err(_) => {
                let file = self.file().map(|file| file.filename);
                raw(&json!({ "content_type": self.content_type, "bytes": self.body.len(), "filename": file }))
            }
        }
    }
}

/// Keeps an answer: tokens hidden, files described.
pub(super) fn answer_taken_down(reply: &Reply) -> Box<RawValue> {
    match reply {
        Reply::Json(answer) if SECRET_FIELDS.iter().any(|field| answer.get(field).is_some()) => {
            raw(&hidden(answer.clone()))
        }
        Reply::Json(answer) => raw(answer),
        Reply::File { content_type, filename, bytes } => {
            raw(&json!({ "content_type": content_type, "bytes": bytes.len(), "filename": filename }))
        }
    }
}

/// Puts stars for what nobody shall read in the record.
fn hidden(mut json: Value) -> Value {
    for field in SECRET_FIELDS {
        if let Some(value) = json.get_mut(field) {
            *value = "***".into();
        }
    }
    json
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).expect("JSON can be written as JSON")
}
