//! What comes into a queue while somebody is subscribed to it: handed over in memory.
//!
//! So a queue is read from the file only after a start and after a flood; otherwise each message is written, and
//! deleted, and never read.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::store::Stored;

/// Messages that wait in memory for one subscription; further ones are read from the file.
const MOST: usize = 500;

/// The mailboxes of those who are subscribed now, by queue.
#[derive(Default)]
pub(super) struct Mailboxes(Mutex<HashMap<String, Arc<Mailbox>>>);

impl Mailboxes {
    /// Returns the mailbox of a new subscription to `queue`; an earlier one gets nothing more.
    pub(super) fn open(&self, queue: &str) -> Arc<Mailbox> {
        let mailbox = Arc::<Mailbox>::default();
        self.all().insert(queue.to_owned(), Arc::clone(&mailbox));
        mailbox
    }

    /// Hands over a message that is in the file now; messages of a queue come in the order of their ids.
    pub(super) fn put(&self, queue: &str, message: Stored) {
        if let Some(mailbox) = self.all().get(queue) {
            mailbox.put(message);
        }
    }

    /// Has the file read: something is in it that is not handed over.
    pub(super) fn point_to_file(&self, queue: &str) {
        if let Some(mailbox) = self.all().get(queue) {
            mailbox.overflow(&mut mailbox.inside());
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Mailbox>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Messages on their way to one subscription.
#[derive(Default)]
pub(super) struct Mailbox {
    inside: Mutex<Inside>,
    /// Wakes the subscription.
    woken: Notify,
}

#[derive(Default)]
struct Inside {
    messages: VecDeque<Stored>,
    /// Whether messages came that are in the file only.
    has_overflown: bool,
}

impl Mailbox {
    /// Returns when something has come since the last time.
    pub(super) async fn filled(&self) {
        self.woken.notified().await;
    }

    /// Begins anew: what came so far is about to be read from the file.
    pub(super) fn clear(&self) {
        *self.inside() = Inside::default();
    }

    /// Takes up to `most` messages after the one with id `after`; `None` when the file has to be read.
    pub(super) fn take(&self, after: i64, most: usize) -> Option<Vec<Stored>> {
        let mut inside = self.inside();
        if inside.has_overflown {
            return None;
        }
        // What was read from the file may have come here too.
        let known = inside.messages.iter().take_while(|message| message.id <= after).count();
        inside.messages.drain(..known);
        let most = most.min(inside.messages.len());
        Some(inside.messages.drain(..most).collect())
    }

    fn put(&self, message: Stored) {
        let mut inside = self.inside();
        if inside.messages.len() < MOST && !inside.has_overflown {
            inside.messages.push_back(message);
            self.woken.notify_one();
        } else {
            self.overflow(&mut inside);
        }
    }

    fn overflow(&self, inside: &mut Inside) {
        inside.messages.clear();
        inside.has_overflown = true;
        self.woken.notify_one();
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
