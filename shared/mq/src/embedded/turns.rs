//! Who goes first when one process cannot handle everything at once.
//!
//! While messages that somebody waits for are in hand, and for a moment after, other queues have few messages in hand;
//! while they are, those queues get more only now and then. None gets nothing: what waits is handled, only later.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::topology::Rank;

/// How long it is remembered that the first ones had messages in hand.
const MOMENT: Duration = Duration::from_secs(1);
/// How often others get messages while the first ones have some in hand.
const PERIOD: Duration = Duration::from_millis(100);

/// Messages that a queue may have in hand while the first ones have some, or had a moment ago.
const fn few(rank: Rank) -> usize {
    match rank {
        Rank::First => usize::MAX,
        Rank::Soon => 32,
        Rank::Later => 8,
    }
}

/// What the first ones have in hand; shared by all subscriptions of a broker.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<First>);

#[derive(Debug, Default)]
struct First {
    in_hand: usize,
    /// When that changed the last time.
    changed: Option<Instant>,
}

impl Turns {
    fn change(&self, rank: Rank, now: Instant, change: impl FnOnce(usize) -> usize) {
        if rank == Rank::First {
            let mut first = self.first();
            *first = First { in_hand: change(first.in_hand), changed: Some(now) };
        }
    }

    fn first(&self) -> MutexGuard<'_, First> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The messages that one subscription has handed out, and that are not settled yet.
pub(super) struct Hand {
    turns: Arc<Turns>,
    rank: Rank,
    most: usize,
    messages: HashSet<i64>,
    /// When it got messages the last time.
    filled: Option<Instant>,
}

impl Hand {
    /// Makes one for at most `most` messages.
    pub(super) fn new(turns: Arc<Turns>, rank: Rank, most: usize) -> Self {
        Self { turns, rank, most, messages: HashSet::new(), filled: None }
    }

    /// Returns how many messages it may hold at most.
    pub(super) const fn most(&self) -> usize {
        self.most
    }

    /// Returns how many messages there are.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Reports whether this message is in it.
    pub(super) fn contains(&self, id: i64) -> bool {
        self.messages.contains(&id)
    }

    /// Returns how many messages it may take now, and when to ask again although nothing else has happened.
    pub(super) fn room(&self, now: Instant) -> (usize, Option<Instant>) {
        let all = self.most - self.messages.len();
        if self.rank == Rank::First {
            return (all, None);
        }
        let first = self.turns.first();
        let few = all.min(few(self.rank).saturating_sub(self.messages.len()));
        if first.in_hand > 0 {
            let next = self.filled.map(|filled| filled + PERIOD).filter(|next| *next > now);
            return next.map_or((few, Some(now + PERIOD)), |next| (0, Some(next)));
        }
        match first.changed.map(|changed| changed + MOMENT).filter(|over| *over > now) {
            Some(over) => (few, Some(over)),
            None => (all, None),
        }
    }

    /// Takes a message.
    pub(super) fn take(&mut self, id: i64, now: Instant) {
        if self.messages.insert(id) {
            self.filled = Some(now);
            self.turns.change(self.rank, now, |count| count + 1);
        }
    }

    /// Lets a message go.
    pub(super) fn drop(&mut self, id: i64, now: Instant) {
        if self.messages.remove(&id) {
            self.turns.change(self.rank, now, |count| count - 1);
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let left = self.messages.len();
        self.turns.change(self.rank, Instant::now(), |count| count - left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hand of the first rank and one of a later one, each for 200 messages.
    fn hands(later: Rank) -> (Hand, Hand) {
        let turns = Arc::<Turns>::default();
        (Hand::new(Arc::clone(&turns), Rank::First, 200), Hand::new(turns, later, 200))
    }

    #[test]
    fn while_the_first_ones_are_in_hand_others_get_few_now_and_then() {
        let now = Instant::now();
        let (mut first, mut later) = hands(Rank::Later);
        assert_eq!(later.room(now), (200, None));
        first.take(1, now);
        assert_eq!(first.room(now), (199, None));
        assert_eq!(later.room(now).0, 8);
        (10..18).for_each(|id| later.take(id, now));
        later.drop(10, now);
        assert_eq!(later.room(now), (0, Some(now + PERIOD)), "one is settled, but it is too early");
        assert_eq!(later.room(now + PERIOD).0, 1);
        later.drop(11, now);
        assert_eq!(later.room(now + PERIOD).0, 2);
    }

    #[test]
    fn a_moment_after_the_first_ones_others_get_what_they_want() {
        let now = Instant::now();
        let (mut first, mut soon) = hands(Rank::Soon);
        first.take(1, now);
        first.drop(1, now);
        soon.take(10, now);
        assert_eq!(soon.room(now), (31, Some(now + MOMENT)), "few at a time, but at once");
        assert_eq!(soon.room(now + MOMENT), (199, None));
    }

    #[test]
    fn a_subscription_that_ends_holds_nobody_up() {
        let (mut first, later) = hands(Rank::Later);
        first.take(1, Instant::now());
        drop(first);
        assert_eq!(later.room(Instant::now() + MOMENT), (200, None));
    }
}
