//! Bodies: bounded in size and in time.

use std::io::ErrorKind;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{self, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpMessage as _, HttpRequest};
use futures::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

/// How long a JSON body may take to come.
const JSON_TIME: Duration = Duration::from_secs(20);

/// Middleware: lets a JSON body fail that takes too long. Whoever reads other bodies bounds them by [`read`].
pub(crate) async fn bound_json<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    if is_json(&request) {
        let payload = in_time(request.take_payload(), JSON_TIME);
        request.set_payload(dev::Payload::Stream { payload: Box::pin(payload) });
    }
    next.call(request).await
}

/// Reports whether a body is read as JSON, as actix-web decides it.
fn is_json(request: &ServiceRequest) -> bool {
    let mime = request.mime_type().ok().flatten();
    mime.is_some_and(|mime| mime.subtype() == "json" || mime.suffix().is_some_and(|suffix| suffix == "json"))
}

/// Ends a body with an error when it is not here `within` a time.
fn in_time<S>(body: S, within: Duration) -> impl Stream<Item = Result<Bytes, PayloadError>>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    let deadline = Instant::now() + within;
    stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        match timeout_at(deadline, body.next()).await {
            Ok(chunk) => chunk.map(|chunk| (chunk, Some(body))),
            Err(_) => Some((Err(PayloadError::Io(ErrorKind::TimedOut.into())), None)),
        }
    })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    type Chunk = Result<Bytes, PayloadError>;

    #[tokio::test]
    async fn a_body_that_takes_too_long_ends_with_an_error() {
        let begun = stream::iter([Ok(Bytes::from_static(b"{"))]);
        let never = Box::pin(begun.chain(stream::pending::<Chunk>()));
        let chunks: Vec<Chunk> = in_time(never, Duration::from_millis(20)).collect().await;
        let is_late = |chunk: &Chunk| matches!(chunk, Err(PayloadError::Io(error)) if error.kind() == ErrorKind::TimedOut);
        assert!(chunks.len() == 2 && chunks[0].is_ok() && is_late(&chunks[1]), "{chunks:?}");

        let whole = stream::iter([Ok(Bytes::from_static(b"{")), Ok(Bytes::from_static(b"}"))]);
        let chunks: Vec<Chunk> = in_time(whole, JSON_TIME).collect().await;
        assert!(chunks.len() == 2 && chunks.iter().all(Result::is_ok), "{chunks:?}");
    }
}
