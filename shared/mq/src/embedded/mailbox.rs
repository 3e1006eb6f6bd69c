//! What comes into a queue while somebody is subscribed to it: handed over in memory, before it is written.
//!
//! Whoever publishes is told so once it is in the file; until then the event is in the table from which it came, and is
//! published again after a crash. So new messages are read from the file only after a start and after a flood.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scrm_proto::Envelope;
use tokio::sync::Notify;

use super::store::{Row, Stored};

/// Messages that wait in memory for one subscription; further ones are read from the file.
const MOST: usize = 500;

/// The mailboxes of those who are subscribed now, by queue, and the line of rows on their way to the file.
///
/// Rows get their ids, are put to be written and are handed over in one order.
pub(super) struct Mailboxes(Mutex<Line>);

struct Line {
    /// The id of the next row.
    next_id: i64,
    /// The last row that was put into a queue.
    last: i64,
    /// The last one of those of which it is decided whether it is in the file; so it is of all before it.
    decided: i64,
    open: HashMap<String, Arc<Mailbox>>,
}

impl Line {
    const fn mint(&mut self) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }
}

/// What a subscription may take now.
#[derive(Debug)]
pub(super) enum Taken {
    /// These, in order.
    Messages(Vec<Stored>),
    /// What the file has, before what is in memory.
    File,
    /// Nothing yet: the file does not have all of what comes next.
    NotYet,
}

impl Mailboxes {
    /// Makes those of a file whose last row ever was `last`.
    pub(super) fn after(last: i64) -> Self {
        Self(Mutex::new(Line { next_id: last + 1, last, decided: last, open: HashMap::new() }))
    }

    /// Returns the mailbox of a new subscription to `queue`; that of an earlier one is filled no further.
    pub(super) fn open(&self, queue: &str) -> Arc<Mailbox> {
        let mut line = self.line();
        let mailbox = Arc::new(Mailbox::behind(line.last));
        line.open.insert(queue.to_owned(), Arc::clone(&mailbox));
        mailbox
    }

    /// Puts messages into queues: `keep` gets the rows, to have them written behind those it got before; then they are
    /// handed over. Returns what `keep` does.
    pub(super) fn put<T>(
        &self,
        messages: Vec<Envelope>,
        queues: impl Fn(&Envelope) -> Vec<&'static str>,
        keep: impl FnOnce(Vec<Row>) -> T,
    ) -> T {
        let mut line = self.line();
        let mut rows = Vec::new();
        for message in messages {
            let (queues, message) = (queues(&message), Arc::new(message));
            let row = |queue| Row { id: line.mint(), queue, message: Arc::clone(&message) };
            rows.extend(queues.into_iter().map(row));
        }
        line.last = rows.last().map_or(line.last, |row| row.id);
        let open = rows.iter().filter_map(|row| Some((line.open.get(row.queue)?, row)));
        let handed: Vec<_> = open.map(|(mailbox, row)| (Arc::clone(mailbox), Stored::from(row))).collect();
        let kept = keep(rows);
        for (mailbox, message) in handed {
            mailbox.put(message);
        }
        kept
    }

    /// Returns an id for a row that is moved to another queue, and not handed over.
    pub(super) fn mint(&self) -> i64 {
        self.line().mint()
    }

    /// Has the file read: a row of `queue` is in it that was not handed over.
    pub(super) fn point_to_file(&self, queue: &str) {
        if let Some(mailbox) = self.line().open.get(queue) {
            mailbox.inside().is_cut_off = true;
            mailbox.woken.notify_one();
        }
    }

    /// Notes that it is decided of the rows up to this one whether they are in the file.
    pub(super) fn note_decided(&self, last: i64) {
        let mut line = self.line();
        line.decided = line.decided.max(last);
        for mailbox in line.open.values() {
            if mailbox.inside().behind.is_some_and(|until| until <= line.decided) {
                mailbox.woken.notify_one();
            }
        }
    }

    /// Takes up to `most` messages after the one with id `after` from a mailbox.
    pub(super) fn take(&self, mailbox: &Mailbox, after: i64, most: usize) -> Taken {
        let (line, mut inside) = (self.line(), mailbox.inside());
        // What was read from the file may have come here too.
        let known = inside.messages.iter().take_while(|message| message.id <= after).count();
        inside.messages.drain(..known);
        if inside.is_cut_off && inside.behind.is_none() && inside.messages.is_empty() {
            *inside = Inside::behind(line.last);
        }
        match inside.behind {
            Some(until) if line.decided < until => return Taken::NotYet,
            Some(_) => return Taken::File,
            None => {}
        }
        let most = most.min(inside.messages.len());
        let messages = inside.messages.drain(..most).collect();
        if inside.is_cut_off && inside.messages.is_empty() {
            mailbox.woken.notify_one();
        }
        Taken::Messages(messages)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Messages on their way to one subscription.
pub(super) struct Mailbox {
    inside: Mutex<Inside>,
    /// Wakes the subscription.
    woken: Notify,
}

struct Inside {
    /// The row up to which the file is to be read before any of the messages may be taken.
    behind: Option<i64>,
    messages: VecDeque<Stored>,
    /// Whether something came after them that is not here.
    is_cut_off: bool,
}

impl Inside {
    const fn behind(until: i64) -> Self {
        Self { behind: Some(until), messages: VecDeque::new(), is_cut_off: false }
    }
}

impl Mailbox {
    fn behind(until: i64) -> Self {
        Self { inside: Mutex::new(Inside::behind(until)), woken: Notify::new() }
    }

    /// Returns when something has come since the last time, or can be taken now.
    pub(super) async fn filled(&self) {
        self.woken.notified().await;
    }

    /// Lets the messages be taken: the file was read up to where they begin.
    pub(super) fn catch_up(&self) {
        self.inside().behind = None;
        self.woken.notify_one();
    }

    fn put(&self, message: Stored) {
        let mut inside = self.inside();
        inside.is_cut_off |= inside.messages.len() >= MOST;
        if !inside.is_cut_off {
            inside.messages.push_back(message);
        }
        self.woken.notify_one();
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::store::tests::message;

    const QUEUE: &str = "tests.queue";

    fn put(mailboxes: &Mailboxes, count: usize) -> i64 {
        mailboxes.put(vec![message(); count], |_| vec![QUEUE], |rows| rows.last().unwrap().id)
    }

    fn taken(mailboxes: &Mailboxes, mailbox: &Mailbox, after: i64) -> Vec<i64> {
        match mailboxes.take(mailbox, after, 1000) {
            Taken::Messages(messages) => messages.iter().map(|message| message.id).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_put_before_the_subscription_is_read_from_the_file_once_it_is_there() {
        let mailboxes = Mailboxes::after(7);
        assert_eq!(put(&mailboxes, 2), 9);
        let mailbox = mailboxes.open(QUEUE);
        assert_eq!(put(&mailboxes, 2), 11);
        assert!(matches!(mailboxes.take(&mailbox, 0, 10), Taken::NotYet), "8 and 9 are nowhere to be read");
        mailboxes.note_decided(8);
        assert!(matches!(mailboxes.take(&mailbox, 0, 10), Taken::NotYet));
        mailboxes.note_decided(10);
        assert!(matches!(mailboxes.take(&mailbox, 0, 10), Taken::File));
        // It read 8, 9, and 10, which had come here too.
        mailbox.catch_up();
        assert_eq!(taken(&mailboxes, &mailbox, 10), [11], "before it is written");
        assert!(taken(&mailboxes, &mailbox, 11).is_empty());
    }

    #[test]
    fn what_there_is_no_room_for_is_read_from_the_file_after_what_there_was() {
        let mailboxes = Mailboxes::after(0);
        let mailbox = mailboxes.open(QUEUE);
        assert!(matches!(mailboxes.take(&mailbox, 0, 10), Taken::File));
        mailbox.catch_up();
        let last = put(&mailboxes, MOST + 20);
        let there: Vec<i64> = (1..=500).collect();
        assert_eq!(taken(&mailboxes, &mailbox, 0), there);
        assert!(matches!(mailboxes.take(&mailbox, 500, 10), Taken::NotYet));
        let later = put(&mailboxes, 1);
        mailboxes.note_decided(last);
        assert!(matches!(mailboxes.take(&mailbox, 500, 10), Taken::File));
        mailbox.catch_up();
        assert_eq!(taken(&mailboxes, &mailbox, last), [later]);
    }

    #[test]
    fn a_row_that_was_moved_to_a_queue_is_read_from_the_file() {
        let mailboxes = Mailboxes::after(0);
        let mailbox = mailboxes.open(QUEUE);
        mailbox.catch_up();
        assert_eq!(mailboxes.mint(), 1);
        mailboxes.point_to_file(QUEUE);
        assert!(matches!(mailboxes.take(&mailbox, 0, 10), Taken::File));
    }
}
