//! The complete records as JSON arrays, written piece by piece, since they may be long.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Json, Query};
use chrono::DateTime;
use futures::stream;
use scrm_kernel::Timestamp;
use scrm_kernel::time::from_millis;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Failure;
use super::input::BadInput;
use crate::record::locked;
use crate::sandbox::Sandbox;

/// Entries looked at for one piece of the answer.
const PIECE: usize = 512;

/// Numbers below this are seconds, from it on milliseconds: in seconds it is the year 5138.
const LEAST_MILLIS: i64 = 100_000_000_000;

/// Which part of a list is asked for; by default all of it.
#[derive(Deserialize)]
pub(super) struct Part {
    /// Entries from this moment on: RFC 3339, or seconds or milliseconds since 1970.
    since: Option<String>,
    /// Only the newest ones, as many as this.
    latest: Option<usize>,
}

/// Lists the attempts to deliver callbacks, the oldest first.
pub(super) async fn callbacks(part: Query<Part>, sandbox: Data<Sandbox>) -> Result<HttpResponse, Failure> {
    let (since, range) = part.read(sandbox.shared.callbacks.kept().len())?;
    Ok(array(range, move |from, end, json| {
        let callbacks = &sandbox.shared.callbacks;
        callbacks.kept().each(from, end, PIECE, |position, kept| {
            if kept.time() >= since {
                write(json, &callbacks.shown(&sandbox.shared.company, position, kept));
            }
        });
    }))
}

/// Lists the calls of WeCom's API, the oldest first.
pub(super) async fn calls(part: Query<Part>, sandbox: Data<Sandbox>) -> Result<HttpResponse, Failure> {
    let (since, range) = part.read(sandbox.shared.calls.len())?;
    Ok(array(range, move |from, end, json| {
        sandbox.shared.calls.each(from, end, PIECE, |line| {
            let is_asked = since == Timestamp::MIN_UTC
                || serde_json::from_slice::<Taken>(line).is_ok_and(|call| call.time >= since);
            if is_asked {
                json.extend_from_slice(line);
                json.push(b',');
            }
        });
    }))
}

/// Lists what people saw on their phones of late, the oldest first.
pub(super) async fn messages(part: Query<Part>, sandbox: Data<Sandbox>) -> Result<Json<Value>, Failure> {
    let (since, _) = part.read(0)?;
    let corp = locked(sandbox.corp(&sandbox.company().corp_id));
    let newest = corp.phones.newest(part.latest.unwrap_or(usize::MAX));
    Ok(Json(newest.filter(|shown| shown.time >= since).map(|shown| json!(shown)).collect()))
}

/// What decides whether a call is listed.
#[derive(Deserialize)]
struct Taken {
    time: Timestamp,
}

impl Part {
    /// Returns the moment and the positions that are asked for.
    fn read(&self, end: usize) -> Result<(Timestamp, (usize, usize)), BadInput> {
        let since = self.since.as_deref().map_or(Ok(Timestamp::MIN_UTC), moment)?;
        Ok((since, (self.latest.map_or(0, |latest| end.saturating_sub(latest)), end)))
    }
}

fn moment(text: &str) -> Result<Timestamp, BadInput> {
    if let Ok(number) = text.parse::<i64>() {
        return Ok(from_millis(if number < LEAST_MILLIS { number.saturating_mul(1000) } else { number }));
    }
    // A + that a query string turned into a space.
    let moment = DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
    let bad =
        |_| BadInput::new("since", "must be a moment as in RFC 3339, or seconds or milliseconds since 1970");
    moment.map(|moment| moment.to_utc()).map_err(bad)
}

/// Answers with a JSON array; `fill` writes the entries between two positions, each followed by a comma.
fn array((begin, end): (usize, usize), fill: impl Fn(usize, usize, &mut Vec<u8>) + 'static) -> HttpResponse {
    let pieces = stream::unfold((Some(begin), fill, true), move |(position, fill, is_empty)| async move {
        let from = position?;
        let mut json = Vec::new();
        fill(from, end, &mut json);
        let is_last = from + PIECE >= end;
        // The last comma goes; one is put before the entries of the next piece that has any.
        let has_entries = json.pop().is_some();
        let mut piece = Vec::with_capacity(json.len() + 2);
        if from == begin {
            piece.push(b'[');
        } else if has_entries && !is_empty {
            piece.push(b',');
        }
        piece.extend(json);
        piece.extend(is_last.then_some(b']'));
        let next = (!is_last).then_some(from + PIECE);
        Some((Ok::<_, actix_web::Error>(Bytes::from(piece)), (next, fill, is_empty && !has_entries)))
    });
    HttpResponse::Ok().content_type("application/json").streaming(Box::pin(pieces))
}

fn write(json: &mut Vec<u8>, entry: &impl Serialize) {
    serde_json::to_writer(&mut *json, entry).expect("records are plain data");
    json.push(b',');
}
