//! Hands out the messages of one queue and takes their settlements.
//!
//! New messages go first, then those whose wait for another attempt is over: a thousand failing messages do not hold
//! up a healthy one.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use scrm_db::{Batcher, Db};
use scrm_kernel::Timestamp;
use sea_orm::DbErr;
use tokio::sync::{Notify, mpsc};

use super::store::{self, Op, Store, Stored};
use crate::transport::{Delivery, Settlement, Subscription};

/// Messages read at once.
const PAGE: usize = 100;
/// How long to wait when the file cannot be read or written.
const PAUSE: Duration = Duration::from_millis(250);

/// Starts the task behind a subscription.
pub(super) fn start(
    db: Db,
    writer: Batcher<Store>,
    woken: Arc<Notify>,
    queue: &'static str,
    prefetch: usize,
) -> Subscription {
    let (sender, deliveries) = mpsc::channel(prefetch);
    let (settle, settlements) = mpsc::unbounded_channel();
    let pump = Pump {
        db,
        writer,
        woken,
        queue,
        prefetch,
        cursor: 0,
        out: HashSet::new(),
        released: Vec::new(),
        next_due: None,
        settle: Some(settle),
        settlements,
    };
    Subscription { deliveries, task: tokio::spawn(pump.run(sender)) }
}

struct Pump {
    db: Db,
    writer: Batcher<Store>,
    woken: Arc<Notify>,
    queue: &'static str,
    prefetch: usize,
    /// The last message that was handed out for the first time.
    cursor: i64,
    /// Messages handed out and not settled yet.
    out: HashSet<i64>,
    /// Messages given back unhandled.
    released: Vec<i64>,
    /// When the next wait is over.
    next_due: Option<Timestamp>,
    /// Given to each delivery; dropped at the end, so that `settlements` ends.
    settle: Option<mpsc::UnboundedSender<(i64, Settlement)>>,
    settlements: mpsc::UnboundedReceiver<(i64, Settlement)>,
}

impl Pump {
    async fn run(mut self, sender: mpsc::Sender<Delivery>) {
        while !sender.is_closed() {
            match self.hand_out(&sender).await {
                // Read again at once: a full page means that there may be more.
                Ok(handed_out) if handed_out >= PAGE => self.take_settlements_waiting().await,
                Ok(_) => self.wait(&sender).await,
                Err(error) => {
                    tracing::warn!(queue = self.queue, error = %error, "Cannot read a queue, trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        // Deliveries still out hold clones of the sender; when the last one is settled, this ends.
        self.settle = None;
        drop(sender);
        while let Some(settlement) = self.settlements.recv().await {
            self.settle_with(settlement).await;
        }
    }

    /// Hands out what there is room for; returns how many messages that were.
    async fn hand_out(&mut self, sender: &mpsc::Sender<Delivery>) -> Result<usize, DbErr> {
        let room = (self.prefetch - self.out.len()).min(PAGE);
        if room == 0 {
            return Ok(0);
        }
        let mut messages = self.take_released(room).await?;
        if messages.len() < room {
            messages.extend(store::fresh(&self.db, self.queue, self.cursor, room - messages.len()).await?);
            self.cursor = messages.iter().map(|message| message.id).max().unwrap_or(0).max(self.cursor);
        }
        if messages.len() < room {
            let now = self.db.clock().now();
            // Those already out are read again and dropped here, so ask for as many more.
            let due = store::due(&self.db, self.queue, now, room - messages.len() + self.out.len()).await?;
            let due = due.into_iter().filter(|message| !self.out.contains(&message.id));
            let space = room - messages.len();
            messages.extend(due.take(space));
            self.next_due = store::next_due(&self.db, self.queue, now).await?;
        }
        let count = messages.len();
        for Stored { id, envelope } in messages {
            let Some(settle) = self.settle.clone() else { break };
            self.out.insert(id);
            let envelope = match envelope {
                Ok(envelope) => envelope,
                Err(reason) => {
                    settle.send((id, Settlement::Dead { reason })).ok();
                    continue;
                }
            };
            // There is room for `prefetch`; a receiver that is gone releases what it is sent.
            sender.send(Delivery::new(envelope, id, settle)).await.ok();
        }
        Ok(count)
    }

    async fn take_released(&mut self, most: usize) -> Result<Vec<Stored>, DbErr> {
        if self.released.is_empty() {
            return Ok(Vec::new());
        }
        let some = self.released.split_off(self.released.len().saturating_sub(most));
        match store::by_id(&self.db, &some).await {
            Ok(messages) => Ok(messages),
            Err(error) => {
                self.released.extend(some);
                Err(error)
            }
        }
    }

    /// Waits for something to do, and takes settlements meanwhile.
    async fn wait(&mut self, sender: &mpsc::Sender<Delivery>) {
        let (clock, next_due) = (self.db.clock().clone(), self.next_due);
        let due = async {
            match next_due {
                Some(moment) => clock.sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.woken.notified() => {}
            () = due => self.next_due = None,
            () = sender.closed() => {}
            Some(settlement) = self.settlements.recv() => self.settle_with(settlement).await,
        }
    }

    async fn take_settlements_waiting(&mut self) {
        if let Ok(settlement) = self.settlements.try_recv() {
            self.settle_with(settlement).await;
        }
    }

    /// Writes one settlement and all others that wait, in one flush.
    async fn settle_with(&mut self, first: (i64, Settlement)) {
        let mut settlements = vec![first];
        while let Ok(settlement) = self.settlements.try_recv() {
            settlements.push(settlement);
        }
        // A settlement that cannot be written is tried until it can: the message is not handed out meanwhile.
        while let Err(error) = self.writer.put(Op::Settle(settlements.clone())).await {
            tracing::warn!(queue = self.queue, error = %error, "Cannot write to a queue, trying again");
            tokio::time::sleep(PAUSE).await;
        }
        for (id, settlement) in settlements {
            self.out.remove(&id);
            match settlement {
                Settlement::Release => self.released.push(id),
                Settlement::Retry { after, .. } => {
                    let due = self.db.clock().now() + after;
                    self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
                }
                Settlement::Done | Settlement::Dead { .. } => {}
            }
        }
    }
}
