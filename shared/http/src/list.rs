//! The parameters that all lists have in common.

use scrm_kernel::page::{DEFAULT_LIMIT, MOST_LIMIT};
use scrm_kernel::{Cursor, FieldError, PageRequest};

/// Returns the page that `limit` and `cursor` of a query ask for.
pub fn page_of(limit: Option<u64>, cursor: Option<String>) -> Result<PageRequest, FieldError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if (1..=MOST_LIMIT).contains(&limit) {
        Ok(PageRequest { limit, cursor: cursor.map(Cursor::from_text) })
    } else {
        Err(FieldError::new("limit", format!("must be between 1 and {MOST_LIMIT}")))
    }
}
