//! Bodies: bounded in size and in time.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{self, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, BytesMut, Data, Payload};
use actix_web::{HttpMessage as _, HttpRequest};
use futures::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use crate::patience::Patience;

/// How long a JSON body may take to come.
const JSON_TIME: Duration = Duration::from_secs(20);

/// Middleware: lets a JSON body fail that takes too long. Whoever reads other bodies bounds them by [`read`].
pub(crate) async fn bound_json<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    if is_json(&request) {
        let within = at_most(request.app_data(), JSON_TIME);
        let payload = in_time(request.take_payload(), within);
        request.set_payload(dev::Payload::Stream { payload: Box::pin(payload) });
    }
    next.call(request).await
}

/// Middleware: has the connection closed of whoever is answered before a body in parts has ended. Otherwise actix-web would
/// wait for the rest of it, however long that takes; a body of a known length it gives up by itself.
pub(crate) async fn close_unread<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if !request.chunked().unwrap_or(false) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let payload = Rc::new(RefCell::new(request.take_payload()));
    let reading = Rc::clone(&payload);
    let parts = stream::poll_fn(move |context| reading.borrow_mut().poll_next_unpin(context));
    request.set_payload(dev::Payload::Stream { payload: Box::pin(parts) });
    let response = next.call(request).await?.map_into_boxed_body();
    Ok(response.map_body(|_, body| BoxBody::new(Held { body, _payload: payload })))
}

/// The body of an answer, with that of its request: one that nobody holds any more would be waited for.
struct Held {
    body: BoxBody,
    _payload: Rc<RefCell<dev::Payload>>,
}

impl MessageBody for Held {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// Returns how long the body of a request may take; no time if there is none.
pub(crate) fn time_of(request: &ServiceRequest, patience: Patience) -> Duration {
    let is_announced = request.headers().get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    if !is_announced && !request.chunked().unwrap_or(false) {
        Duration::ZERO
    } else if is_json(request) {
        JSON_TIME.min(patience.body)
    } else {
        patience.body
    }
}

/// Reports whether a body is read as JSON, as actix-web decides it.
fn is_json(request: &ServiceRequest) -> bool {
    let mime = request.mime_type().ok().flatten();
    mime.is_some_and(|mime| mime.subtype() == "json" || mime.suffix().is_some_and(|suffix| suffix == "json"))
}

/// Returns how long a body may take that may take `within`: no longer than the server has patience.
fn at_most(patience: Option<&Data<Patience>>, within: Duration) -> Duration {
    patience.map_or(within, |patience| within.min(patience.body))
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

/// Reports whether a body was ended because it took too long.
pub(crate) fn is_late(error: &PayloadError) -> bool {
    matches!(error, PayloadError::Io(error) if error.kind() == ErrorKind::TimedOut)
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

/// Reads a body of at most `most` bytes `within` a time, or less if the server has less patience, and not a byte of one
/// that is announced as too large.
pub async fn read(
    request: &HttpRequest,
    payload: Payload,
    most: usize,
    within: Duration,
) -> Result<Bytes, Unread> {
    let within = at_most(request.app_data(), within);
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
        let chunk = chunk.map_err(|error| if is_late(&error) { Unread::Slow } else { Unread::Broken })?;
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
        let is_late = |chunk: &Chunk| chunk.as_ref().is_err_and(is_late);
        assert!(chunks.len() == 2 && chunks[0].is_ok() && is_late(&chunks[1]), "{chunks:?}");

        let whole = stream::iter([Ok(Bytes::from_static(b"{")), Ok(Bytes::from_static(b"}"))]);
        let chunks: Vec<Chunk> = in_time(whole, JSON_TIME).collect().await;
        assert!(chunks.len() == 2 && chunks.iter().all(Result::is_ok), "{chunks:?}");
    }
}
