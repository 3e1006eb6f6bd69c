#![doc = include_str!("../README.md")]

pub mod callback;
pub mod client;
pub mod event;
mod json;
mod tree;
mod xml;

pub use tree::BadDocument;
