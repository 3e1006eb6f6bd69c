//! Hands out the messages of one queue and takes their settlements.
//!
//! New messages go first, then those whose wait for another attempt is over: a thousand failing messages do not hold
//! up a healthy one.

use std::collections::HashSet;
use std::mem::take;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use scrm_db::{Batcher, Db};
use scrm_kernel::Timestamp;
use sea_orm::DbErr;
use tokio::sync::{mpsc, watch};

use super::mailbox::{Mailbox, Mailboxes, Taken};
use super::store::{self, Op, Store, Stored};
use super::turns::Hand;
use crate::delivery::{Delivery, Handed, Settlement, Subscription, Unreadable};

/// Messages read at once.
const PAGE: usize = 100;
/// Messages that may be done and not deleted yet. It is reached only when the file cannot be written.
const MOST_DONE: usize = 4096;
/// How long to wait when the file cannot be read or written.
const PAUSE: Duration = Duration::from_millis(250);

/// Where the messages are, and who writes what becomes of them.
pub(super) struct Source {
    pub(super) db: Db,
    pub(super) writer: Batcher<Store>,
    pub(super) mailboxes: Arc<Mailboxes>,
    /// Whether the file is closed.
    pub(super) closed: watch::Receiver<bool>,
}

/// Starts the task behind a subscription.
pub(super) fn start<M: Handed>(source: Source, queue: String, hand: Hand) -> Subscription<M> {
    let (sender, deliveries) = mpsc::channel(hand.most());
    let (settle, settlements) = mpsc::unbounded_channel();
    let (mailbox, now) = (source.mailboxes.open(&queue), source.db.clock().now());
    let pump = Pump {
        source,
        mailbox,
        queue,
        hand,
        has_room: true,
        room_at: None,
        cursor: 0,
        released: Vec::new(),
        // Whatever waits in the file may be due.
        next_due: Some(now),
        settle: Some(settle),
        settlements,
        writing: FuturesUnordered::new(),
        failed: Vec::new(),
        done: HashSet::new(),
    };
    Subscription { deliveries, task: tokio::spawn(pump.run(sender)) }
}

struct Pump {
    source: Source,
    mailbox: Arc<Mailbox>,
    queue: String,
    /// Messages handed out, of which it is not kept yet what became of them; those that are done are not among them.
    hand: Hand,
    /// Whether it can take a message that comes now.
    has_room: bool,
    /// When it is to be asked again for room, whatever happens.
    room_at: Option<Instant>,
    /// The last message that was handed out for the first time.
    cursor: i64,
    /// Messages given back unhandled.
    released: Vec<i64>,
    /// When the next wait is over, or earlier.
    next_due: Option<Timestamp>,
    /// Given to each delivery; dropped at the end, so that `settlements` ends.
    settle: Option<mpsc::UnboundedSender<Settled>>,
    settlements: mpsc::UnboundedReceiver<Settled>,
    /// Settlements on their way to the file.
    writing: FuturesUnordered<BoxFuture<'static, Written>>,
    /// Settlements that could not be written; they are tried again together.
    failed: Vec<Settled>,
    /// Messages that are done and may be in the file still.
    done: HashSet<i64>,
}

/// A message, and what its consumer decided about it.
type Settled = (i64, Settlement);

/// What came of writing settlements.
enum Written {
    /// They are in the file.
    Kept(Vec<Settled>),
    /// They are not.
    Failed(Vec<Settled>),
    /// Those that could not be written may be tried again.
    Again,
}

impl Pump {
    async fn run<M: Handed>(mut self, sender: mpsc::Sender<Delivery<M>>) {
        while !sender.is_closed() && !self.is_closed() {
            match self.hand_out(&sender).await {
                // Read again at once: a full page means that there may be more.
                Ok(handed_out) if handed_out >= PAGE => self.settle_what_waits(),
                Ok(_) => self.wait(&sender).await,
                Err(_) if self.is_closed() => break,
                Err(error) => {
                    tracing::warn!(queue = self.queue, error = %error, "Cannot read a queue, trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        // Deliveries still out hold clones of the sender; when the last one is settled, this ends.
        self.settle = None;
        drop(sender);
        let mut closed = self.source.closed.clone();
        loop {
            tokio::select! {
                settlement = self.settlements.recv() => match settlement {
                    Some(settlement) => self.write(vec![settlement]),
                    None => break,
                },
                Some(written) = self.writing.next() => self.note(written),
                () = file_closed(&mut closed) => return,
            }
        }
        while let Some(written) = self.writing.next().await {
            if self.is_closed() {
                return;
            }
            self.note(written);
        }
    }

    fn is_closed(&self) -> bool {
        *self.source.closed.borrow()
    }

    /// Hands out what there is room for; returns how many messages that were.
    ///
    /// What one query read is handed out before the next one may fail: what is behind the cursor is not read again.
    async fn hand_out<M: Handed>(&mut self, sender: &mpsc::Sender<Delivery<M>>) -> Result<usize, DbErr> {
        let (room, room_at) = self.hand.room(Instant::now());
        let room = room.min(PAGE).min(MOST_DONE.saturating_sub(self.done.len()));
        self.room_at = room_at;
        let mut left = room;
        if left > 0 && !self.released.is_empty() {
            let older = self.released.len().saturating_sub(left);
            let messages = store::by_id(&self.source.db, &self.released[older..]).await?;
            self.released.truncate(older);
            left -= self.send(messages, sender).await;
        }
        if left > 0 {
            let messages = self.fresh(left).await?;
            self.cursor = messages.last().map_or(self.cursor, |message| message.id);
            left -= self.send(messages, sender).await;
        }
        let now = self.source.db.clock().now();
        if left > 0 && self.next_due.is_some_and(|due| due <= now) {
            // Those already out are read again and dropped here, so ask for as many more.
            let asked = left + self.hand.len() + self.done.len();
            let mut messages = store::due(&self.source.db, &self.queue, now, asked).await?;
            let is_cut_off = messages.len() == asked;
            messages.retain(|message| !self.hand.contains(message.id) && !self.done.contains(&message.id));
            let may_be_more = is_cut_off || messages.len() > left;
            messages.truncate(left);
            left -= self.send(messages, sender).await;
            self.next_due = if may_be_more {
                Some(now)
            } else {
                store::next_due(&self.source.db, &self.queue, now).await?
            };
        }
        self.has_room = left > 0;
        Ok(room - left)
    }

    /// Returns messages that were not handed out before: from memory, unless those in the file come first.
    async fn fresh(&mut self, most: usize) -> Result<Vec<Stored>, DbErr> {
        match self.source.mailboxes.take(&self.mailbox, self.cursor, most) {
            Taken::Messages(messages) => Ok(messages),
            Taken::NotYet => Ok(Vec::new()),
            Taken::File => {
                let messages = store::fresh(&self.source.db, &self.queue, self.cursor, most).await?;
                if messages.len() < most {
                    self.mailbox.catch_up();
                    // An earlier subscription may have had some wait since.
                    self.next_due = Some(self.source.db.clock().now());
                }
                Ok(messages)
            }
        }
    }

    async fn send<M: Handed>(&mut self, messages: Vec<Stored>, sender: &mpsc::Sender<Delivery<M>>) -> usize {
        let count = messages.len();
        for Stored { id, envelope, reason } in messages {
            let Some(settle) = self.settle.clone() else { break };
            self.hand.take(id, Instant::now());
            match M::take(envelope) {
                // There is room for `prefetch`; a receiver that is gone releases what it is sent.
                Ok(envelope) => drop(sender.send(Delivery::new(envelope, reason, id, settle)).await),
                Err(Unreadable { problem: reason, .. }) => {
                    drop(settle.send((id, Settlement::Dead { reason })));
                }
            }
        }
        count
    }

    /// Waits for something to do, and takes settlements meanwhile.
    async fn wait<M>(&mut self, sender: &mpsc::Sender<Delivery<M>>) {
        let (clock, next_due, room_at) = (self.source.db.clock().clone(), self.next_due, self.room_at);
        let has_room = self.has_room;
        let due = async {
            match next_due {
                Some(moment) if has_room => clock.sleep_until(moment).await,
                _ => std::future::pending().await,
            }
        };
        let room = async {
            match room_at {
                Some(moment) => tokio::time::sleep_until(moment.into()).await,
                None => std::future::pending().await,
            }
        };
        let mut closed = self.source.closed.clone();
        tokio::select! {
            () = self.mailbox.filled(), if has_room => {}
            () = due => {}
            () = room => {}
            () = sender.closed() => {}
            () = file_closed(&mut closed) => {}
            Some(written) = self.writing.next() => self.note(written),
            Some(settlement) = self.settlements.recv() => self.write(vec![settlement]),
        }
        self.settle_what_waits();
    }

    fn settle_what_waits(&mut self) {
        let mut settlements = Vec::new();
        while let Ok(settlement) = self.settlements.try_recv() {
            settlements.push(settlement);
        }
        if !settlements.is_empty() {
            self.write(settlements);
        }
    }

    /// Has settlements written, and tries until they can be: such a message is not handed out meanwhile.
    fn write(&mut self, settlements: Vec<Settled>) {
        for (id, _) in settlements.iter().filter(|(_, settlement)| *settlement == Settlement::Done) {
            self.hand.drop(*id, Instant::now());
            self.done.insert(*id);
        }
        let writer = self.source.writer.clone();
        let writing = async move {
            match writer.put(Op::Settle(settlements.clone())).await {
                Ok(()) => Written::Kept(settlements),
                Err(error) => {
                    tracing::debug!(error = %error, "Cannot write what became of messages");
                    Written::Failed(settlements)
                }
            }
        };
        self.writing.push(writing.boxed());
    }

    fn note(&mut self, written: Written) {
        match written {
            Written::Kept(settlements) => self.let_go(settlements),
            Written::Failed(settlements) => {
                if self.failed.is_empty() {
                    tracing::warn!(queue = self.queue, "Cannot write to a queue, trying again");
                    self.writing.push(tokio::time::sleep(PAUSE).map(|()| Written::Again).boxed());
                }
                self.failed.extend(settlements);
            }
            Written::Again => {
                let settlements = take(&mut self.failed);
                self.write(settlements);
            }
        }
    }

    /// Notes that what became of messages is in the file.
    fn let_go(&mut self, settlements: Vec<Settled>) {
        for (id, settlement) in settlements {
            self.hand.drop(id, Instant::now());
            match settlement {
                Settlement::Done => drop(self.done.remove(&id)),
                Settlement::Release => self.released.push(id),
                Settlement::Retry { after, .. } | Settlement::Wait { after } => {
                    let due = self.source.db.clock().now() + after;
                    self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
                }
                Settlement::Dead { .. } => {}
            }
        }
    }
}

/// Resolves when the file is closed; never, when the broker is let go without that.
async fn file_closed(closed: &mut watch::Receiver<bool>) {
    if closed.wait_for(|closed| *closed).await.is_err() {
        std::future::pending::<()>().await;
    }
}
