//! Bodies that are no JSON: bounded in size and in time.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, BytesMut, Payload};
use futures::StreamExt as _;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is larger than it may be.
    TooLarge,
    /// The connection or its framing broke.
    Broken,
    /// It took too long.
    Slow,
}

/// Reads a body of at most `most` bytes `within` a time, and not a byte of one that is announced as too large.
pub async fn read(
    request: &HttpRequest,
    payload: Payload,
    most: usize,
    within: Duration,
) -> Result<Bytes, Unread> {
    let reading = read_all(request, payload, most);
    tokio::time::timeout(within, reading).await.unwrap_or(Err(Unread::Slow))
}

async fn read_all(request: &HttpRequest, mut payload: Payload, most: usize) -> Result<Bytes, Unread> {
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > most) {
        return Err(Unread::TooLarge);
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or(0));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Unread::Broken)?;
        if body.len() + chunk.len() > most {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
