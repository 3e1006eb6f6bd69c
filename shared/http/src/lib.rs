#![doc = include_str!("../README.md")]

mod attend;
pub mod body;
pub mod caller;
pub mod docs;
mod first_party;
mod header;
mod list;
mod moment;
mod need;
mod patience;
pub mod problem;
pub mod server;
mod signing_key;
pub mod token;

pub use caller::Caller;
pub use first_party::FirstParty;
pub use header::{IdempotencyKey, IfMatch, MayMatch, Versioned, replay};
pub use list::page_of;
pub use moment::Moment;
pub use need::{Need, Route, guarded};
pub use patience::Patience;
pub use problem::{Problem, respond};
pub use server::{Readiness, Routes, document, serve, serve_with};
pub use token::{BETWEEN_SERVICES, LONGEST_LIFE, Tokens};
