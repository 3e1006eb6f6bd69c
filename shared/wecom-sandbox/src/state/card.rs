//! Template cards that members can press, and the codes that change them afterwards.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long a `response_code` is good, in milliseconds.
pub(crate) const CODE_LIFE_MS: i64 = 72 * 60 * 60 * 1000;

/// How many cards are remembered, and for each a few codes; older ones count as expired.
const REMEMBERED: usize = 20_000;
const REMEMBERED_CODES: usize = 3 * REMEMBERED;

/// A card that was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Card {
    pub(crate) msgid: String,
    pub(crate) app: String,
    pub(crate) agent_id: u32,
    /// Who got it.
    pub(crate) users: Vec<String>,
    /// WeCom's `template_card` as it was sent, or as it was last updated.
    pub(crate) content: Value,
}

impl Card {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.content.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The name (`task_id`) that an app gave a card: no other card of the app can have it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskName {
    pub(crate) app: String,
    pub(crate) task_id: String,
}

/// What lets a card be updated, once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CardCode {
    pub(crate) response_code: String,
    pub(crate) msgid: String,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) used: bool,
}

/// All cards and codes.
#[derive(Default)]
pub(crate) struct Cards {
    sent: HashMap<String, Card>,
    order: VecDeque<String>,
    codes: HashMap<String, CardCode>,
    code_order: VecDeque<String>,
    /// The names that are taken, by app.
    names: HashMap<String, HashSet<String>>,
}

impl Cards {
    pub(super) fn apply(&mut self, card: Card) {
        if !self.sent.contains_key(&card.msgid) {
            self.order.push_back(card.msgid.clone());
        }
        self.sent.insert(card.msgid.clone(), card);
        while self.order.len() > REMEMBERED
            && let Some(msgid) = self.order.pop_front()
        {
            self.sent.remove(&msgid);
        }
    }

    pub(super) fn apply_code(&mut self, code: CardCode) {
        if !self.codes.contains_key(&code.response_code) {
            self.code_order.push_back(code.response_code.clone());
        }
        self.codes.insert(code.response_code.clone(), code);
        while self.code_order.len() > REMEMBERED_CODES
            && let Some(response_code) = self.code_order.pop_front()
        {
            self.codes.remove(&response_code);
        }
    }

    pub(super) fn apply_name(&mut self, name: TaskName) {
        self.names.entry(name.app).or_default().insert(name.task_id);
    }

    pub(super) fn snapshot_names(&self) -> impl Iterator<Item = TaskName> {
        let named = |(app, task_ids): (&String, &HashSet<String>)| -> Vec<TaskName> {
            let name = |task_id: &String| TaskName { app: app.clone(), task_id: task_id.clone() };
            task_ids.iter().map(name).collect()
        };
        self.names.iter().flat_map(named)
    }

    pub(super) fn snapshot(&self) -> impl Iterator<Item = &Card> {
        self.order.iter().filter_map(|msgid| self.sent.get(msgid))
    }

    pub(super) fn snapshot_codes(&self) -> impl Iterator<Item = &CardCode> {
        self.code_order.iter().filter_map(|response_code| self.codes.get(response_code))
    }

    /// Says whether a card of this app has this name, however long ago it was sent.
    pub(crate) fn is_taken(&self, app: &str, task_id: &str) -> bool {
        self.names.get(app).is_some_and(|task_ids| task_ids.contains(task_id))
    }

    /// Finds a card.
    pub(crate) fn find(&self, msgid: &str) -> Option<&Card> {
        self.sent.get(msgid)
    }

    /// Finds the newest card that is as `claim` says.
    pub(crate) fn newest(&self, claim: impl Fn(&Card) -> bool) -> Option<&Card> {
        self.order.iter().rev().filter_map(|msgid| self.sent.get(msgid)).find(|card| claim(card))
    }

    /// Finds a code, used or not.
    pub(crate) fn code(&self, response_code: &str) -> Option<&CardCode> {
        self.codes.get(response_code)
    }

    /// Counts the cards.
    pub(crate) fn count(&self) -> usize {
        self.order.len()
    }
}
