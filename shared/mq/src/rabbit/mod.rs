//! The broker of the distributed shape: RabbitMQ, with quorum queues only.
//!
//! A queue `q` has `q.retry.<milliseconds>` for each rung of its ladder, where a failed message waits until its time
//! to live is over and it is dead-lettered back, and `q.dead`. All three are quorum queues, and every move between
//! them is confirmed before the message leaves the place it came from: a crash may double it, never lose it.

mod inspect;
mod link;
mod plan;
mod publisher;
mod subscription;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lapin::types::ShortString;
use scrm_db::{Publish, PublishError};
use scrm_kernel::Clock;
use scrm_proto::Envelope;
use secrecy::SecretString;
use tokio::sync::watch;

use self::link::Link;
use self::plan::Plan;
use self::publisher::{Outgoing, Publisher};
use self::subscription::{Held, Source};
use crate::delivery::{DeadLetters, Handed, Subscription};
use crate::topology::{self, Queue, Topology};
use crate::transport::{BrokerError, QueueState, Transport};

/// Where RabbitMQ is.
#[derive(Debug, Clone)]
pub struct RabbitConfig {
    /// `amqp://user:password@host:port/vhost`.
    pub url: SecretString,
    /// Put before every name, so that several installations, or tests, can share a broker; normally empty.
    pub prefix: String,
}

/// A connection to RabbitMQ. Cheap to clone.
#[derive(Clone)]
pub struct Rabbit(Arc<Inner>);

struct Inner {
    plan: Arc<Plan>,
    publishing: Arc<Link>,
    consuming: Arc<Link>,
    publisher: Arc<Publisher>,
    /// Publishes what subscriptions move on, so that a long batch of events does not hold it up.
    mover: Arc<Publisher>,
    closed: watch::Sender<bool>,
    /// What this process holds unsettled, by queue.
    held: Mutex<Vec<(String, Held)>>,
}

impl Rabbit {
    /// Connects, and declares every exchange, queue and binding of `topology`.
    ///
    /// Fails when something of it exists with other arguments. A binding or rung that is no longer in the topology
    /// stays on the broker until an operator removes it.
    pub async fn connect(config: RabbitConfig, topology: Topology) -> Result<Self, BrokerError> {
        let plan = Arc::new(Plan { prefix: config.prefix, topology });
        let open = async |purpose| Link::open(config.url.clone(), purpose, Arc::clone(&plan)).await;
        let publishing = Arc::new(open("publishing").await?);
        let consuming = Arc::new(open("consuming").await?);
        let channel = publishing.channel().await?;
        plan.declare(&channel).await.map_err(|error| BrokerError(error.to_string()))?;
        Ok(Self(Arc::new(Inner {
            publisher: Arc::new(Publisher::new(Arc::clone(&publishing))),
            mover: Arc::new(Publisher::new(Arc::clone(&publishing))),
            plan,
            publishing,
            consuming,
            closed: watch::Sender::new(false),
            held: Mutex::default(),
        })))
    }

    /// Ends all subscriptions and the connections. What is not settled by then comes again.
    pub async fn close(self) -> Result<(), BrokerError> {
        self.0.closed.send_replace(true);
        self.0.consuming.close().await?;
        self.0.publishing.close().await
    }

    /// Deletes everything under the prefix, messages included: for tests.
    pub async fn delete(&self) -> Result<(), BrokerError> {
        let channel = self.0.publishing.channel().await?;
        self.0.plan.delete(&channel).await.map_err(|error| BrokerError(error.to_string()))
    }
}

impl Rabbit {
    async fn hand_out<M: Handed>(
        &self,
        queue: String,
        prefetch: usize,
    ) -> Result<Subscription<M>, BrokerError> {
        let source = Source {
            link: Arc::clone(&self.0.consuming),
            publisher: Arc::clone(&self.0.mover),
            plan: Arc::clone(&self.0.plan),
            closed: self.0.closed.subscribe(),
        };
        let held = self.0.held_of(&queue);
        subscription::start(source, queue, prefetch, held).await
    }
}

impl Inner {
    /// Publishes messages, each to the exchange and with the routing key that `to` names.
    async fn send(
        &self,
        messages: Vec<Envelope>,
        to: impl Fn(&Envelope) -> (ShortString, ShortString) + Send,
    ) -> Vec<Result<(), PublishError>> {
        let now = Clock::system().now();
        let (mut outcomes, mut outgoing) = (Vec::new(), Vec::new());
        for message in messages {
            match wire::properties_of(&message, now) {
                Ok(properties) => {
                    let (exchange, routing_key) = to(&message);
                    outcomes.push(Ok(()));
                    outgoing.push(Outgoing { exchange, routing_key, properties, body: message.body });
                }
                Err(problem) => outcomes.push(Err(PublishError::Never(problem))),
            }
        }
        let mut sent = self.publisher.publish(&outgoing).await.into_iter();
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
            *outcome = sent.next().unwrap_or(Ok(())).map_err(PublishError::NotNow);
        }
        outcomes
    }

    /// Returns a place for what a new subscription to `queue` will hold.
    fn held_of(&self, queue: &str) -> Held {
        let held = Held::default();
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of subscriptions that have ended are nobody else's.
        all.retain(|(_, held)| Arc::strong_count(held) > 1);
        all.push((queue.to_owned(), Arc::clone(&held)));
        held
    }

    /// Adds what this process holds unsettled.
    fn add_held(&self, states: &mut BTreeMap<String, QueueState>) {
        let all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for (queue, held) in all.iter() {
            let held = held.lock().unwrap_or_else(PoisonError::into_inner);
            let state = state_of(states, queue);
            state.messages += held.len() as u64;
            let oldest = held.values().map(|message| message.since).min();
            state.oldest = state.oldest.into_iter().chain(oldest).min();
        }
    }
}

fn state_of<'a>(states: &'a mut BTreeMap<String, QueueState>, queue: &str) -> &'a mut QueueState {
    let empty = || QueueState { queue: queue.to_owned(), messages: 0, oldest: None };
    states.entry(queue.to_owned()).or_insert_with(empty)
}

#[async_trait]
impl Publish for Rabbit {
    async fn publish(&self, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
        let exchange = self.0.plan.events();
        self.0.send(messages, |message| (exchange.as_str().into(), message.kind.as_str().into())).await
    }
}

#[async_trait]
impl Transport for Rabbit {
    async fn subscribe(&self, queue: &Queue, prefetch: usize) -> Result<Subscription, BrokerError> {
        self.hand_out(queue.name.to_owned(), prefetch).await
    }

    async fn dead_letters(&self, queue: &Queue, prefetch: usize) -> Result<DeadLetters, BrokerError> {
        self.hand_out(topology::dead(queue.name), prefetch).await
    }

    async fn redrive(&self, queue: &Queue, messages: Vec<Envelope>) -> Vec<Result<(), PublishError>> {
        // Past the exchange of events, which would put it into the queues of others too.
        let name = self.0.plan.named(queue.name);
        self.0.send(messages, |_| ("".into(), name.as_str().into())).await
    }

    /// RabbitMQ says how many messages wait, not since when, and counts none that a consumer holds. So of the messages
    /// being handled only this process's are counted, `oldest` is the one that was published first among those, and
    /// one that is on its way from a rung back to its queue may be missed.
    async fn queues(&self) -> Result<Vec<QueueState>, BrokerError> {
        let channel = self.0.consuming.channel().await?;
        let mut states = BTreeMap::new();
        for queue in self.0.plan.queues() {
            // Declared as it is, not passively: that would break the channel over a queue that someone deleted.
            let waiting = queue.declare(&channel).await.map_err(|error| BrokerError(error.to_string()))?;
            state_of(&mut states, &queue.counts_for).messages += waiting;
        }
        self.0.add_held(&mut states);
        Ok(states.into_values().filter(|state| state.messages > 0).collect())
    }
}
