//! A map with a limit: what was used least recently goes first.

use std::collections::{BTreeMap, HashMap};

/// At most so many entries by name.
pub(crate) struct Bounded<V> {
    most: usize,
    entries: HashMap<String, (u64, V)>,
    /// Names by the turn in which they were last used.
    turns: BTreeMap<u64, String>,
    next_turn: u64,
}

impl<V> Bounded<V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.max(1), entries: HashMap::new(), turns: BTreeMap::new(), next_turn: 0 }
    }

    /// Returns an entry and notes that it was used.
    pub(crate) fn get(&mut self, name: &str) -> Option<&mut V> {
        let (turn, value) = self.entries.get_mut(name)?;
        let name = self.turns.remove(turn)?;
        *turn = self.next_turn;
        self.turns.insert(self.next_turn, name);
        self.next_turn += 1;
        Some(value)
    }

    /// Keeps an entry, at the cost of the one least recently used if there are too many.
    pub(crate) fn put(&mut self, name: &str, value: V) {
        self.remove(name);
        if self.entries.len() >= self.most
            && let Some((_, oldest)) = self.turns.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.entries.insert(name.to_owned(), (self.next_turn, value));
        self.turns.insert(self.next_turn, name.to_owned());
        self.next_turn += 1;
    }

    /// Returns an entry, a new one if there is none.
    pub(crate) fn get_or_put(&mut self, name: &str, new: impl FnOnce() -> V) -> &mut V {
        if self.get(name).is_none() {
            self.put(name, new());
        }
        &mut self.entries.get_mut(name).expect("it is there or was put just now").1
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some((turn, _)) = self.entries.remove(name) {
            self.turns.remove(&turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_least_recently_goes_first() {
        let mut bounded = Bounded::new(2);
        bounded.put("a", 1);
        bounded.put("b", 2);
        assert_eq!(bounded.get("a"), Some(&mut 1));
        bounded.put("c", 3);
        assert_eq!((bounded.get("a").copied(), bounded.get("b").copied()), (Some(1), None));
        bounded.put("c", 4);
        assert_eq!((bounded.get("a").copied(), bounded.get("c").copied()), (Some(1), Some(4)));
        bounded.remove("c");
        bounded.remove("c");
        assert_eq!((bounded.entries.len(), bounded.turns.len()), (1, 1));
    }
}
