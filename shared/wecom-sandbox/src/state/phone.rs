//! What people see on their phones, as far as the API caused it: greetings and messages of apps. Lost on a restart.

use std::collections::VecDeque;

use scrm_kernel::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// How many messages are remembered.
const REMEMBERED: usize = 2000;

/// A message on somebody's phone.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Shown {
    pub(crate) time: Timestamp,
    /// `welcome` from a member to a customer, `text` or `template_card` from an app to a member, and so on.
    pub(crate) kind: String,
    /// The member who sends a welcome or gets a message.
    pub(crate) user_id: String,
    /// The customer who is welcomed.
    pub(crate) external_user_id: Option<String>,
    /// The name of that customer.
    pub(crate) customer: Option<String>,
    /// Whether it reached the phone; what exceeds 30 a minute does not.
    pub(crate) delivered: bool,
    pub(crate) msgid: Option<String>,
    /// The content as the API was given it.
    pub(crate) content: Value,
}

/// The newest messages, and how many there were.
#[derive(Default)]
pub(crate) struct Phones {
    shown: VecDeque<Shown>,
    pub(crate) welcomes: u64,
    pub(crate) messages: u64,
    pub(crate) vanished: u64,
    /// Counts what changed on the phones, so that one can ask for what is new.
    pub(crate) changes: u64,
}

impl Phones {
    pub(crate) fn show(&mut self, shown: Shown) {
        self.changes += 1;
        match (shown.kind.as_str(), shown.delivered) {
            (_, false) => self.vanished += 1,
            ("welcome", true) => self.welcomes += 1,
            _ => self.messages += 1,
        }
        if self.shown.len() == REMEMBERED {
            self.shown.pop_front();
        }
        self.shown.push_back(shown);
    }

    /// Puts an updated card in the place of the one that was sent.
    pub(crate) fn update(&mut self, msgid: &str, users: &[String], card: &Value) {
        self.changes += 1;
        let is_meant =
            |shown: &&mut Shown| shown.msgid.as_deref() == Some(msgid) && users.contains(&shown.user_id);
        for shown in self.shown.iter_mut().filter(is_meant) {
            shown.content = card.clone();
        }
    }

    /// Returns the newest messages, the oldest of them first.
    pub(crate) fn newest(&self, most: usize) -> impl Iterator<Item = &Shown> {
        self.shown.iter().skip(self.shown.len().saturating_sub(most))
    }
}
