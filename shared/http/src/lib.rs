#![doc = include_str!("../README.md")]

pub mod caller;
mod list;
mod moment;
pub mod problem;
pub mod server;
pub mod token;

pub use caller::{Caller, Role};
pub use list::page_of;
pub use moment::Moment;
pub use problem::{Problem, respond};
pub use server::{Readiness, Routes, document, serve};
pub use token::{BETWEEN_SERVICES, TokenKeys, Tokens};
