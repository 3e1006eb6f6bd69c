//! Contact ways made through the API, and whose turn it is on each of them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::book::Book;
use crate::draw::Draw;

/// How often to look for a way that is not deleted before giving up.
const TRIES: usize = 16;

/// A contact way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Way {
    pub(crate) config_id: String,
    /// Seconds since 1970.
    pub(crate) created_at: i64,
    /// What the API was given and gives back, complete.
    pub(crate) fields: Map<String, Value>,
    /// How many customers it has handed to members.
    pub(crate) handed: u64,
    pub(crate) deleted: bool,
}

impl Way {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn is_temporary(&self) -> bool {
        self.fields.get("is_temp").and_then(Value::as_bool).unwrap_or_default()
    }

    /// Returns the members it leads to at present, in order.
    pub(crate) fn members(&self, book: &Book) -> Vec<String> {
        book.expanded(&users(&self.fields), &parties(&self.fields))
    }
}

/// Reads the userids of a way's `user`.
pub(crate) fn users(fields: &Map<String, Value>) -> Vec<&str> {
    fields.get("user").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Reads the department ids of a way's `party`.
pub(crate) fn parties(fields: &Map<String, Value>) -> Vec<u32> {
    let ids = fields.get("party").and_then(Value::as_array).into_iter().flatten();
    ids.filter_map(|id| u32::try_from(id.as_u64()?).ok()).collect()
}

/// All contact ways in the order they were made.
#[derive(Default)]
pub(crate) struct Ways {
    all: Vec<Way>,
    places: HashMap<String, usize>,
    by_state: HashMap<String, usize>,
    live: usize,
}

impl Ways {
    pub(super) fn apply(&mut self, way: Way) {
        let place = *self.places.entry(way.config_id.clone()).or_insert(self.all.len());
        if let Some(known) = self.all.get(place) {
            if self.by_state.get(known.text("state")) == Some(&place) {
                self.by_state.remove(known.text("state"));
            }
            self.live -= usize::from(!known.deleted);
        }
        self.live += usize::from(!way.deleted);
        if !way.deleted && !way.text("state").is_empty() {
            self.by_state.insert(way.text("state").to_owned(), place);
        }
        match self.all.get_mut(place) {
            Some(known) => *known = way,
            None => self.all.push(way),
        }
    }

    pub(super) fn apply_handed(&mut self, config_id: &str, handed: u64) {
        if let Some(way) = self.places.get(config_id).and_then(|place| self.all.get_mut(*place)) {
            way.handed = handed;
        }
    }

    /// Puts another userid in the place of an old one.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let named = self.all.iter_mut().filter_map(|way| way.fields.get_mut("user")?.as_array_mut());
        for user_id in named.flatten() {
            if user_id.as_str().is_some_and(|user_id| user_id.eq_ignore_ascii_case(from)) {
                *user_id = to.into();
            }
        }
    }

    pub(super) fn snapshot(&self) -> impl Iterator<Item = &Way> {
        self.all.iter()
    }

    /// Counts the ways there are.
    pub(crate) fn count(&self) -> usize {
        self.live
    }

    /// Finds a way.
    pub(crate) fn find(&self, config_id: &str) -> Option<&Way> {
        self.places.get(config_id).and_then(|place| self.all.get(*place)).filter(|way| !way.deleted)
    }

    /// Finds the newest way with this `state`.
    pub(crate) fn by_state(&self, state: &str) -> Option<&Way> {
        self.by_state.get(state).and_then(|place| self.all.get(*place))
    }

    /// Returns the ways with their places, from place `from` on.
    pub(crate) fn from(&self, from: usize) -> impl Iterator<Item = (usize, &Way)> {
        self.all.iter().enumerate().skip(from).filter(|(_, way)| !way.deleted)
    }

    /// Takes one at random; `None` when there is none, or hardly any is left undeleted.
    pub(crate) fn any(&self, chance: &mut Draw) -> Option<&Way> {
        if self.live == 0 {
            return None;
        }
        (0..TRIES)
            .map(|_| &self.all[chance.below(self.all.len())])
            .find(|way| !way.deleted && !way.is_temporary())
    }
}
