//! Hands out the messages of one queue and takes their settlements.
//!
//! New messages go first, then those whose wait for another attempt is over: a thousand failing messages do not hold
//! up a healthy one.

use std::mem::take;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scrm_db::{Batcher, Db};
use scrm_kernel::Timestamp;
use sea_orm::DbErr;
use tokio::sync::{mpsc, watch};

use super::mailbox::Mailbox;
use super::store::{self, Op, Store, Stored};
use super::turns::Hand;
use crate::delivery::{Delivery, Handed, Settlement, Subscription, Unreadable};

/// Messages read at once.
const PAGE: usize = 100;
/// How long a message that is done may wait for others, to be deleted in one flush with them. After a crash it comes
/// again, and its consumer's inbox knows it.
const LINGER: Duration = Duration::from_millis(15);
/// How long to wait when the file cannot be read or written.
const PAUSE: Duration = Duration::from_millis(250);

/// Starts the task behind a subscription.
pub(super) fn start<M: Handed>(
    db: Db,
    writer: Batcher<Store>,
    mailbox: Arc<Mailbox>,
    closed: watch::Receiver<bool>,
    queue: String,
    hand: Hand,
) -> Subscription<M> {
    let (sender, deliveries) = mpsc::channel(hand.most());
    let (settle, settlements) = mpsc::unbounded_channel();
    let now = db.clock().now();
    let pump = Pump {
        db,
        writer,
        mailbox,
        is_behind: true,
        closed,
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
        settled: Vec::new(),
        settle_at: None,
    };
    Subscription { deliveries, task: tokio::spawn(pump.run(sender)) }
}

struct Pump {
    db: Db,
    writer: Batcher<Store>,
    mailbox: Arc<Mailbox>,
    /// Whether the file may hold fresh messages that the mailbox does not.
    is_behind: bool,
    /// Whether the file is closed.
    closed: watch::Receiver<bool>,
    queue: String,
    /// Messages handed out and not settled yet.
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
    settle: Option<mpsc::UnboundedSender<(i64, Settlement)>>,
    settlements: mpsc::UnboundedReceiver<(i64, Settlement)>,
    /// Settlements that are not written yet; their messages are in hand still.
    settled: Vec<(i64, Settlement)>,
    /// When they are written at the latest.
    settle_at: Option<Instant>,
}

impl Pump {
    async fn run<M: Handed>(mut self, sender: mpsc::Sender<Delivery<M>>) {
        while !sender.is_closed() && !self.is_closed() {
            match self.hand_out(&sender).await {
                // Read again at once: a full page means that there may be more.
                Ok(handed_out) if handed_out >= PAGE => self.settle_what_waits().await,
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
        let mut closed = self.closed.clone();
        loop {
            self.write_settled().await;
            tokio::select! {
                settlement = self.settlements.recv() => match settlement {
                    Some(settlement) => self.settled.push(settlement),
                    None => break,
                },
                () = file_closed(&mut closed) => break,
            }
        }
    }

    fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Hands out what there is room for; returns how many messages that were.
    ///
    /// What one query read is handed out before the next one may fail: what is behind the cursor is not read again.
    async fn hand_out<M: Handed>(&mut self, sender: &mpsc::Sender<Delivery<M>>) -> Result<usize, DbErr> {
        let (room, room_at) = self.hand.room(Instant::now());
        let room = room.min(PAGE);
        self.room_at = room_at;
        let mut left = room;
        if left > 0 && !self.released.is_empty() {
            let older = self.released.len().saturating_sub(left);
            let messages = store::by_id(&self.db, &self.released[older..]).await?;
            self.released.truncate(older);
            left -= self.send(messages, sender).await;
        }
        if left > 0 {
            let messages = self.fresh(left).await?;
            self.cursor = messages.last().map_or(self.cursor, |message| message.id);
            left -= self.send(messages, sender).await;
        }
        let now = self.db.clock().now();
        if left > 0 && self.next_due.is_some_and(|due| due <= now) {
            // Those already out are read again and dropped here, so ask for as many more.
            let asked = left + self.hand.len();
            let mut messages = store::due(&self.db, &self.queue, now, asked).await?;
            let is_cut_off = messages.len() == asked;
            messages.retain(|message| !self.hand.contains(message.id));
            let may_be_more = is_cut_off || messages.len() > left;
            messages.truncate(left);
            left -= self.send(messages, sender).await;
            self.next_due =
                if may_be_more { Some(now) } else { store::next_due(&self.db, &self.queue, now).await? };
        }
        self.has_room = left > 0;
        Ok(room - left)
    }

    /// Returns messages that were not handed out before: from memory, unless the file knows more.
    async fn fresh(&mut self, most: usize) -> Result<Vec<Stored>, DbErr> {
        if !self.is_behind {
            match self.mailbox.take(self.cursor, most) {
                Some(messages) => return Ok(messages),
                None => self.is_behind = true,
            }
        }
        // What comes from here on is in the mailbox, or in what is read now, or in both.
        self.mailbox.clear();
        let messages = store::fresh(&self.db, &self.queue, self.cursor, most).await?;
        self.is_behind = messages.len() == most;
        Ok(messages)
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
        let (clock, next_due, room_at) = (self.db.clock().clone(), self.next_due, self.room_at);
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
        let settle_at = self.settle_at;
        let settle = async {
            match settle_at {
                Some(moment) => tokio::time::sleep_until(moment.into()).await,
                None => std::future::pending().await,
            }
        };
        let mut closed = self.closed.clone();
        tokio::select! {
            () = self.mailbox.filled(), if has_room => {}
            () = due => {}
            () = room => {}
            () = settle => {}
            () = sender.closed() => {}
            () = file_closed(&mut closed) => {}
            Some(settlement) = self.settlements.recv() => self.settled.push(settlement),
        }
        self.settle_what_waits().await;
    }

    /// Takes the settlements that wait, and writes them if one of them must not wait for others.
    async fn settle_what_waits(&mut self) {
        while let Ok(settlement) = self.settlements.try_recv() {
            self.settled.push(settlement);
        }
        if self.settled.is_empty() {
            return;
        }
        let now = Instant::now();
        let settle_at = *self.settle_at.get_or_insert(now + LINGER);
        let are_done = self.settled.iter().all(|(_, settlement)| *settlement == Settlement::Done);
        if !(self.has_room && are_done) || settle_at <= now {
            self.write_settled().await;
        }
    }

    /// Writes the settlements that were taken, in one flush.
    async fn write_settled(&mut self) {
        let settlements = take(&mut self.settled);
        self.settle_at = None;
        if settlements.is_empty() {
            return;
        }
        // A settlement that cannot be written is tried until it can: the message is not handed out meanwhile.
        let settle = || Op::Settle(settlements.clone());
        while let Err(error) = self.writer.put(settle()).await {
            if self.is_closed() {
                return;
            }
            tracing::warn!(queue = self.queue, error = %error, "Cannot write to a queue, trying again");
            tokio::time::sleep(PAUSE).await;
        }
        for (id, settlement) in settlements {
            self.hand.drop(id, Instant::now());
            match settlement {
                Settlement::Release => self.released.push(id),
                Settlement::Retry { after, .. } | Settlement::Wait { after } => {
                    let due = self.db.clock().now() + after;
                    self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
                }
                Settlement::Done | Settlement::Dead { .. } => {}
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
