//! Template cards that members can press, and the codes that change them afterwards.

use std::collections::{HashMap, VecDeque};

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

    pub(super) fn snapshot(&self) -> impl Iterator<Item = &Card> {
        self.order.iter().filter_map(|msgid| self.sent.get(msgid))
    }

    pub(super) fn snapshot_codes(&self) -> impl Iterator<Item = &CardCode> {
        self.code_order.iter().filter_map(|response_code| self.codes.get(response_code))
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
