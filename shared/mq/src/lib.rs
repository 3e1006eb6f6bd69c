#![doc = include_str!("../README.md")]

mod consumer;
mod delivery;
pub mod embedded;
pub mod keeper;
pub mod rabbit;
pub mod topology;
mod transport;

pub use consumer::{Claim, Consumer, EffectHandler, Effects, Failure, Next, Readable, StateHandler};
pub use delivery::{DeadLetters, Delivery, Settlement, Subscription, Unreadable};
pub use keeper::Keeper;
pub use topology::{Ladder, Queue, Rank, Topology};
pub use transport::{Broker, BrokerError, QueueState, Transport};
