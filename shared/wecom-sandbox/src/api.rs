//! WeCom's own API, `/cgi-bin/…`: takes every call down and answers as WeCom does.
//!
//! No endpoint is simulated yet, so every path is a bad one; endpoints belong into [`answer`].

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data, Json};
use actix_web::{HttpRequest, Responder};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::record::CallRecord;
use crate::sandbox::Sandbox;

/// Takes a call of any method.
pub(crate) async fn call(request: HttpRequest, body: Bytes, sandbox: Data<Sandbox>) -> impl Responder {
    let time = sandbox.shared.clock.now();
    let answer = answer(request.path());
    sandbox.shared.calls.push(CallRecord {
        time,
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        body: taken_down(&request, &body),
        answer: raw(&answer),
    });
    Json(answer)
}

/// Answers a call; WeCom's status is 200 whatever the `errcode`.
fn answer(path: &str) -> Value {
    json!({ "errcode": 40094, "errmsg": format!("invalid url, the sandbox has no {path}") })
}

/// Keeps JSON as it came, and of anything else (uploads) what it was.
fn taken_down(request: &HttpRequest, body: &[u8]) -> Box<RawValue> {
    if body.is_empty() {
        return raw(&Value::Null);
    }
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        raw(&json!({ "content_type": content_type, "bytes": body.len() }))
    })
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).expect("JSON can be written as JSON")
}
