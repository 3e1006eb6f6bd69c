#![doc = include_str!("../README.md")]

mod consumer;
pub mod embedded;
pub mod rabbit;
pub mod topology;
mod transport;

pub use consumer::{Claim, Consumer, EffectHandler, Effects, Failure, Next, StateHandler};
pub use topology::{Ladder, Queue, Topology};
pub use transport::{Broker, BrokerError, Delivery, QueueState, Settlement, Subscription, Transport};
