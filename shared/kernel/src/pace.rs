//! How often something is begun.
//!
//! What is done for several at once costs little more than for one. So what nobody waits for is begun at a pace: the first
//! one after a rest at once, and while much comes only so often, for all that has come.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

/// When the next one may begin.
#[derive(Debug, Default)]
pub struct Pace {
    period: Duration,
    begun: Option<Instant>,
}

impl Pace {
    /// Begins at most one in `period`; with a period of zero as many as come.
    pub const fn every(period: Duration) -> Self {
        Self { period, begun: None }
    }

    /// Waits until the next one may begin, or `hurry` resolves.
    pub async fn turn(&mut self, hurry: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = self.wait() => {}
            () = hurry => {}
        }
        self.begun = Some(Instant::now());
    }

    /// Receives up to `most` things: those that have come when the next one may begin. It waits no longer once there are
    /// so many of them, or once `hurry` resolves.
    ///
    /// Returns how many it added to `things`: none if the channel is closed, and nothing is left in it.
    pub async fn receive<T>(
        &mut self,
        channel: &mut mpsc::Receiver<T>,
        things: &mut Vec<T>,
        most: usize,
        hurry: impl Future<Output = ()>,
    ) -> usize {
        let mut count = channel.recv_many(things, most).await;
        if count == 0 {
            return 0;
        }
        {
            let (mut hurry, mut turn) = (pin!(hurry), pin!(self.wait()));
            while count < most {
                let more = tokio::select! {
                    biased;
                    () = &mut hurry => break,
                    () = &mut turn => break,
                    more = channel.recv_many(things, most - count) => more,
                };
                if more == 0 {
                    break;
                }
                count += more;
            }
        }
        self.begun = Some(Instant::now());
        count
    }

    async fn wait(&self) {
        if let Some(begun) = self.begun.filter(|_| !self.period.is_zero()) {
            tokio::time::sleep_until(begun + self.period).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    /// Longer than any test.
    const PERIOD: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn the_first_one_begins_at_once_and_the_next_one_waits() {
        let mut pace = Pace::every(PERIOD);
        pace.turn(pending()).await;
        tokio::time::timeout(Duration::from_millis(20), pace.turn(pending())).await.unwrap_err();
        pace.turn(async {}).await;
        let mut pace = Pace::every(Duration::from_millis(1));
        pace.turn(pending()).await;
        pace.turn(pending()).await;
    }

    #[tokio::test]
    async fn without_a_period_none_waits() {
        let mut pace = Pace::default();
        pace.turn(pending()).await;
        pace.turn(pending()).await;
    }

    #[tokio::test]
    async fn what_comes_until_the_turn_is_received_together() {
        let (mut pace, mut things) = (Pace::every(PERIOD), Vec::new());
        let (sender, mut channel) = mpsc::channel(10);
        sender.send(1).await.unwrap();
        assert_eq!(pace.receive(&mut channel, &mut things, 3, pending()).await, 1, "at once");
        let sending = async {
            for number in 2..5 {
                sender.send(number).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let (count, ()) = tokio::join!(pace.receive(&mut channel, &mut things, 3, pending()), sending);
        assert_eq!((count, things.as_slice()), (3, [1, 2, 3, 4].as_slice()));
    }

    #[tokio::test]
    async fn it_waits_no_longer_for_as_many_as_there_may_be_in_a_hurry_or_for_nobody() {
        let (mut pace, mut things) = (Pace::every(PERIOD), Vec::new());
        pace.turn(pending()).await;
        let (sender, mut channel) = mpsc::channel(10);
        for number in 0..5 {
            sender.send(number).await.unwrap();
        }
        assert_eq!(pace.receive(&mut channel, &mut things, 2, pending()).await, 2);
        assert_eq!(pace.receive(&mut channel, &mut things, 4, async {}).await, 3);
        sender.send(5).await.unwrap();
        drop(sender);
        assert_eq!(pace.receive(&mut channel, &mut things, 4, pending()).await, 1);
        assert_eq!(pace.receive(&mut channel, &mut things, 4, pending()).await, 0);
        assert_eq!(things.len(), 6);
    }
}
