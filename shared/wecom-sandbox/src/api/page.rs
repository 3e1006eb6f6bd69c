//! Lists in pages. Cursors are opaque to callers, who learn from them only that there is more.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::call::Refusal;
use crate::state::Corp;

/// What stands at the end of the cursor that an empty page gives.
const AFTER_EMPTY: &str = "@empty";

/// A page that is asked for.
pub(super) struct Page {
    /// The place where it begins.
    pub(super) from: usize,
    limit: usize,
    /// The share of its items that it has, between 0 and 1; `None` is all.
    share: Option<f64>,
    /// How many items it has at least, if there are any.
    least: usize,
}

impl Page {
    /// Reads where a page begins, and draws how much of it the caller gets; the empty cursor is the beginning.
    pub(super) fn asked(corp: &mut Corp, cursor: &str, limit: usize) -> Result<Self, Refusal> {
        let share = corp.settings.short_pages.then(|| corp.chance.unit());
        let text = decoded(cursor).ok_or_else(|| Refusal::new(50100, "invalid cursor"))?;
        let (place, least) = match text.strip_suffix(AFTER_EMPTY) {
            // After an empty page it goes on, or the caller would never come to an end.
            Some(place) => (place, 1),
            None => (text.as_str(), 0),
        };
        let from = place.parse().map_err(|_| Refusal::new(50100, "invalid cursor"))?;
        Ok(Self { from, limit, share, least })
    }

    /// Lets the page have something of what there is.
    pub(super) fn never_empty(self) -> Self {
        Self { least: 1, ..self }
    }

    /// Takes the page from items that come with their places, and the cursor of the next one, if there is one.
    pub(super) fn of<T>(&self, mut items: impl Iterator<Item = (usize, T)>) -> (Vec<T>, Option<String>) {
        let mut all: Vec<(usize, T)> = items.by_ref().take(self.limit).collect();
        let left_out = match self.share {
            Some(share) => all.split_off(self.least.max(part(all.len(), share)).min(all.len())),
            None => Vec::new(),
        };
        let next = left_out.into_iter().chain(items).next().map(|(place, _)| encoded(place, all.is_empty()));
        (all.into_iter().map(|(_, item)| item).collect(), next)
    }
}

/// Adds the cursor of the next page, if there is one, to an answer.
pub(super) fn continued(mut answer: Value, next: Option<String>) -> Value {
    if let Some(next) = next {
        answer["next_cursor"] = next.into();
    }
    answer
}

/// Returns fewer than `count`, unless that is 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a page has few items, and a share is between 0 and 1"
)]
fn part(count: usize, share: f64) -> usize {
    (count as f64 * share) as usize
}

fn encoded(place: usize, is_empty: bool) -> String {
    URL_SAFE_NO_PAD.encode(format!("cursor@{place}{}", if is_empty { AFTER_EMPTY } else { "" }))
}

fn decoded(cursor: &str) -> Option<String> {
    if cursor.is_empty() {
        return Some("0".to_owned());
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("cursor@").map(str::to_owned)
}
