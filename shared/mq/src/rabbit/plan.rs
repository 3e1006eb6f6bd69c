//! The topology as RabbitMQ has it: exchanges, queues, their arguments and bindings.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use crate::topology::{self, Ladder, Queue, Topology, UNROUTED};

/// Where all events are published.
const EVENTS: &str = "scrm.events";
/// How long events that nobody wanted are kept.
const KEEP_UNROUTED: Duration = Duration::from_hours(7 * 24);
/// How often the broker hands a message out before it gives up: a last guard, for the ladder decides long before.
const DELIVERY_LIMIT: i32 = 1000;

/// What one installation has on its broker; the prefix keeps several apart.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) prefix: String,
    pub(super) topology: Topology,
}

/// A queue of the broker.
pub(super) struct Planned {
    /// Its name on the broker.
    pub(super) name: String,
    /// The queue among whose messages its messages count.
    pub(super) counts_for: String,
    arguments: FieldTable,
}

impl Plan {
    /// Returns the name of the exchange of all events.
    pub(super) fn events(&self) -> String {
        self.named(EVENTS)
    }

    /// Returns a name as it is on the broker.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Returns the name of the queue in which messages of `queue` wait for at least `after`.
    pub(super) fn rung(&self, queue: &Queue, after: Duration) -> Option<String> {
        rung_for(queue.ladder, after).map(|rung| self.rung_queue(queue, rung))
    }

    /// Returns the name of the queue in which messages of `queue` wait for at most `after`, or as short as there is.
    ///
    /// Who comes too early waits again; who waits too long is late.
    pub(super) fn rung_within(&self, queue: &Queue, after: Duration) -> Option<String> {
        rung_within(queue.ladder, after).map(|rung| self.rung_queue(queue, rung))
    }

    fn rung_queue(&self, queue: &Queue, rung: Duration) -> String {
        self.named(&format!("{}.retry.{}", queue.name, rung.as_millis()))
    }

    /// Returns the queue of the topology with this name: it alone has a ladder and dead letters.
    pub(super) fn find(&self, name: &str) -> Option<&Queue> {
        self.topology.queues().iter().find(|queue| queue.name == name)
    }

    /// Returns all queues.
    pub(super) fn queues(&self) -> Vec<Planned> {
        let mut queues = vec![Planned {
            name: self.named(UNROUTED),
            counts_for: UNROUTED.to_owned(),
            arguments: quorum([("x-message-ttl", millis(KEEP_UNROUTED))]),
        }];
        for queue in self.topology.queues() {
            let dead = topology::dead(queue.name);
            let [exchange, key, strategy, overflow] = dead_lettering_to(self.named(&dead));
            queues.push(Planned {
                name: self.named(queue.name),
                counts_for: queue.name.to_owned(),
                arguments: quorum([
                    ("x-delivery-limit", AMQPValue::LongInt(DELIVERY_LIMIT)),
                    exchange,
                    key,
                    strategy,
                    overflow,
                ]),
            });
            // One queue for a wait, however often it comes in the ladder.
            for rung in queue.ladder.rungs().iter().collect::<BTreeSet<_>>() {
                let [exchange, key, strategy, overflow] = dead_lettering_to(self.named(queue.name));
                queues.push(Planned {
                    name: self.rung_queue(queue, *rung),
                    counts_for: queue.name.to_owned(),
                    arguments: quorum([("x-message-ttl", millis(*rung)), exchange, key, strategy, overflow]),
                });
            }
            queues.push(Planned { name: self.named(&dead), counts_for: dead, arguments: quorum([]) });
        }
        queues
    }

    /// Declares everything; fails when something is there already with other arguments.
    pub(super) async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let (events, unrouted) = (self.events(), self.named(UNROUTED));
        let nothing = FieldTable::default();
        channel
            .exchange_declare(unrouted.as_str().into(), ExchangeKind::Fanout, durable, nothing.clone())
            .await?;
        let alternate = table([("alternate-exchange", text(unrouted.clone()))]);
        for queue in self.queues() {
            queue.declare(channel).await?;
        }
        self.bind(channel, &unrouted, &unrouted, "").await?;
        channel.exchange_declare(events.as_str().into(), ExchangeKind::Topic, durable, alternate).await?;
        for queue in self.topology.queues() {
            for kind in queue.kinds {
                self.bind(channel, &self.named(queue.name), &events, kind).await?;
            }
        }
        Ok(())
    }

    async fn bind(&self, channel: &Channel, queue: &str, exchange: &str, key: &str) -> lapin::Result<()> {
        let options = QueueBindOptions::default();
        channel.queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default()).await
    }

    /// Deletes everything, messages included.
    pub(super) async fn delete(&self, channel: &Channel) -> lapin::Result<()> {
        for exchange in [self.events(), self.named(UNROUTED)] {
            channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default()).await?;
        }
        for queue in self.queues() {
            channel.queue_delete(queue.name.as_str().into(), QueueDeleteOptions::default()).await?;
        }
        Ok(())
    }
}

impl Planned {
    /// Declares the queue and returns how many messages wait in it.
    pub(super) async fn declare(&self, channel: &Channel) -> lapin::Result<u64> {
        let options = QueueDeclareOptions::durable();
        let queue = channel.queue_declare(self.name.as_str().into(), options, self.arguments.clone()).await?;
        Ok(queue.message_count().into())
    }
}

/// Returns the rung that lasts at least `after`, or the longest one.
fn rung_for(ladder: Ladder, after: Duration) -> Option<Duration> {
    let rungs = ladder.rungs().iter().copied();
    rungs.clone().filter(|rung| *rung >= after).min().or_else(|| rungs.max())
}

/// Returns the longest rung that is no longer than `after`, or the shortest one.
fn rung_within(ladder: Ladder, after: Duration) -> Option<Duration> {
    let rungs = ladder.rungs().iter().copied();
    rungs.clone().filter(|rung| *rung <= after).max().or_else(|| rungs.min())
}

/// What dies goes to `queue`, and is lost by no crash on the way. At-least-once needs `reject-publish`.
fn dead_lettering_to(queue: String) -> [(&'static str, AMQPValue); 4] {
    [
        ("x-dead-letter-exchange", text(String::new())),
        ("x-dead-letter-routing-key", text(queue)),
        ("x-dead-letter-strategy", text("at-least-once".to_owned())),
        ("x-overflow", text("reject-publish".to_owned())),
    ]
}

fn quorum<const N: usize>(arguments: [(&'static str, AMQPValue); N]) -> FieldTable {
    let mut table = table(arguments);
    table.insert("x-queue-type".into(), text("quorum".to_owned()));
    table
}

fn table<const N: usize>(arguments: [(&'static str, AMQPValue); N]) -> FieldTable {
    arguments.into_iter().map(|(name, value)| (name.into(), value)).collect::<BTreeMap<_, _>>().into()
}

fn text(text: String) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

fn millis(time: Duration) -> AMQPValue {
    AMQPValue::LongInt(i32::try_from(time.as_millis()).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_is_replicated_and_nothing_dies_on_its_way_to_another_one() {
        let plan = Plan { prefix: "p.".to_owned(), topology: Topology::of_all_services() };
        let names: BTreeSet<_> = plan.queues().into_iter().map(|queue| queue.name).collect();
        for queue in plan.queues() {
            let argument = |name: &str| queue.arguments.inner().get(name).cloned();
            assert_eq!(argument("x-queue-type"), Some(text("quorum".to_owned())), "{}", queue.name);
            let Some(AMQPValue::LongString(to)) = argument("x-dead-letter-routing-key") else { continue };
            assert!(names.contains(&to.to_string()), "{} leads to {to}", queue.name);
            assert_eq!(argument("x-dead-letter-strategy"), Some(text("at-least-once".to_owned())));
            assert_eq!(argument("x-overflow"), Some(text("reject-publish".to_owned())));
        }
        let ours = plan.topology.queues();
        assert!(!ours.is_empty() && ours.iter().all(|queue| names.contains(&plan.named(queue.name))));
    }

    #[test]
    fn a_wait_that_is_no_rung_takes_the_next_longer_one() {
        let after = |millis| rung_for(Ladder::Urgent, Duration::from_millis(millis)).unwrap().as_millis();
        assert_eq!(
            (after(0), after(300), after(301), after(3000), after(9000)),
            (300, 300, 1000, 3000, 3000)
        );
        assert_eq!(rung_for(Ladder::Custom(&[]), Duration::ZERO), None);
    }

    #[test]
    fn a_wait_for_a_turn_takes_the_next_shorter_rung() {
        let within = |millis| rung_within(Ladder::Urgent, Duration::from_millis(millis)).unwrap().as_millis();
        assert_eq!(
            (within(0), within(299), within(999), within(1000), within(9000)),
            (300, 300, 300, 1000, 3000)
        );
        assert_eq!(rung_within(Ladder::Custom(&[]), Duration::ZERO), None);
    }
}
