#![doc = include_str!("../README.md")]

mod door;
mod event;
mod webhook;

pub use door::door;
pub use event::event;
pub use webhook::webhook;
