//! Lists that come page by page, as streams of items.

use std::collections::HashSet;
use std::future::Future;

use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::error::CallError;

/// Items of a list, fetched as they are taken. Ends after the first error: what came before it is not complete.
pub type Items<T> = BoxStream<'static, Result<T, CallError>>;

/// Pages of one list at most; 100 rows a page make ten million.
const MOST_PAGES: usize = 100_000;

/// One page, and where the next one begins.
pub(super) struct Chunk<T> {
    pub(super) rows: Vec<T>,
    /// Empty or absent on the last page; there may be rows on it, and none on another.
    pub(super) next: Option<String>,
}

/// Follows cursors, and refuses to walk in a circle.
#[derive(Default)]
pub(super) struct Trail(HashSet<String>);

impl Trail {
    /// Returns where to go on, or nothing at the end.
    pub(super) fn follow(&mut self, next: Option<String>) -> Result<Option<String>, CallError> {
        let Some(next) = next.filter(|next| !next.is_empty()) else {
            return Ok(None);
        };
        if self.0.len() >= MOST_PAGES {
            return Err(CallError::Malformed("the list has no end".to_owned()));
        }
        if !self.0.insert(next.clone()) {
            return Err(CallError::Malformed("a cursor came twice".to_owned()));
        }
        Ok(Some(next))
    }
}

/// Makes a stream of all items; `fetch` asks for the page at a cursor, which is empty for the first one.
pub(super) fn items<T, F, Fut>(fetch: F) -> Items<T>
where
    T: Send + 'static,
    F: Fn(String) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Chunk<T>, CallError>> + Send + 'static,
{
    let start = Some((String::new(), Trail::default(), fetch));
    stream::try_unfold(start, |state| async move {
        let Some((cursor, mut trail, fetch)) = state else {
            return Ok::<_, CallError>(None);
        };
        let chunk = fetch(cursor).await?;
        // The rows of this page are good, whatever the next cursor is: hand them out before the error.
        let next = trail.follow(chunk.next);
        let (after, failure) = match next {
            Ok(next) => (next.map(|cursor| (cursor, trail, fetch)), None),
            Err(error) => (None, Some(Err(error))),
        };
        Ok(Some((stream::iter(chunk.rows.into_iter().map(Ok).chain(failure)), after)))
    })
    .try_flatten()
    .boxed()
}
