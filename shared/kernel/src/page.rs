//! Pages of lists: an opaque cursor says where the next page begins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Rows in a page when the caller does not say.
pub const DEFAULT_LIMIT: u64 = 50;
/// Most rows in a page.
pub const MOST_LIMIT: u64 = 200;

/// A cursor that this installation never gave out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cursor is not one that this list returned")]
pub struct BadCursor;

/// Where a page begins; opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// Packs the sort key of the last row of a page.
    pub fn after(key: &impl Serialize) -> Self {
        let json = serde_json::to_vec(key).expect("sort keys are plain data");
        Self(URL_SAFE_NO_PAD.encode(json))
    }

    /// Takes a cursor as a client sent it; it is checked when it is read.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// Unpacks the sort key.
    pub fn key<K: DeserializeOwned>(&self) -> Result<K, BadCursor> {
        let json = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| BadCursor)?;
        serde_json::from_slice(&json).map_err(|_| BadCursor)
    }
}

/// Which page of a list is asked for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Rows wanted.
    pub limit: u64,
    /// Where to begin; `None` is the first page.
    pub cursor: Option<Cursor>,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { limit: DEFAULT_LIMIT, cursor: None }
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; `null` on the last.
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page of `limit + 1` rows read; the surplus row only tells that there is a next page.
    pub fn of<K: Serialize>(mut rows: Vec<T>, limit: u64, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(|row| Cursor::after(&key(row))) } else { None };
        Self { items: rows, next_cursor }
    }

    /// Turns every row into what is shown.
    pub fn map<U>(self, show: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(show).collect(), next_cursor: self.next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_points_at_the_next_one_and_the_last_does_not() {
        let page = Page::of(vec![1, 2, 3], 2, |n| *n);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(page.next_cursor.unwrap().key::<i32>(), Ok(2));
        assert!(Page::of(vec![1, 2], 2, |n| *n).next_cursor.is_none());
    }

    #[test]
    fn a_made_up_cursor_is_refused() {
        assert_eq!(Cursor::from_text("§".to_owned()).key::<i32>(), Err(BadCursor));
        assert_eq!(Cursor::after(&"text").key::<i32>(), Err(BadCursor));
    }
}
